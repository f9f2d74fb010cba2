# -*- test-case-name: zcons_twisted.test.test_oci_config -*-
"""
A bundle's C{config.json}, and the one that is made of it for a life of the zone.  The
bundle itself is never written to.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "CONFIG_MAX",
    "CONFIG_NAME",
    "CONSOLE",
    "OWNER",
    "BadBundle",
    "derive",
    "readConfig",
    "stopSignal",
    "wantsTerminal",
]

#: Most bytes of a C{config.json}.
CONFIG_MAX = 1024 * 1024

CONFIG_NAME = "config.json"

#: Where a container finds its console.
CONSOLE = "/dev/console"

#: The annotation that tells whose container it is.
OWNER = "zcons_twisted.owner"

#: The annotation that tells by which signal a container wants to be stopped, as images
#: have it.
_STOP_SIGNAL = "org.opencontainers.image.stopSignal"

Config = dict[str, Any]


class BadBundle(Exception):
    """
    There is no bundle, or it can't be used; one line says why.
    """


def readConfig(bundle: str) -> Config:
    """
    The configuration of a bundle, with what is needed here checked.

    @param bundle: its directory.
    @raise BadBundle: it can't be used.
    """
    path = os.path.join(bundle, CONFIG_NAME)
    try:
        with open(path, "rb") as file:
            data = file.read(CONFIG_MAX + 1)
    except OSError as e:
        raise BadBundle(
            f"{path}: {e.strerror}: a bundle is a directory with a config.json"
        ) from None
    if len(data) > CONFIG_MAX:
        raise BadBundle(f"{path}: more than {CONFIG_MAX} bytes")
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise BadBundle(f"{path}: no JSON: {e}") from None
    if not isinstance(config, dict):
        raise BadBundle(f"{path}: no JSON object")
    for name, kind in _SHAPE:
        _check(config, name, kind, path)
    return config


def wantsTerminal(config: Config) -> bool:
    """
    Does the bundle ask its runtime for a terminal?
    """
    return config["process"].get("terminal") is True


def stopSignal(config: Config) -> str:
    """
    The signal that tells the container to stop.
    """
    name = config.get("annotations", {}).get(_STOP_SIGNAL, "")
    if isinstance(name, str) and re.fullmatch(r"[A-Z0-9+]{1,16}", name):
        return name
    return "TERM"


def derive(
    config: Config,
    bundle: str,
    owner: str,
    environment: Mapping[str, str],
    subsidiary: str = "",
) -> Config:
    """
    The configuration of one life.

    What is relative to the bundle is made absolute, since the new file is elsewhere.

    @param config: that of the bundle, which stays as it is.
    @param bundle: its directory.
    @param owner: whose container it is, to be found again.
    @param environment: what the container's process is told besides.
    @param subsidiary: the path of the console that we have made, which the container
        is to have as L{CONSOLE}; without one the runtime makes a terminal.
    """
    life = dict(config)
    life["annotations"] = {**config.get("annotations", {}), OWNER: owner}
    life["root"] = dict(config["root"])
    life["root"]["path"] = os.path.join(bundle, config["root"]["path"])
    mounts = [_mount(mount, bundle) for mount in config.get("mounts", [])]
    process = dict(config["process"])
    process["terminal"] = not subsidiary
    names = tuple(f"{name}=" for name in environment)
    given = [word for word in process.get("env", []) if not word.startswith(names)]
    process["env"] = given + [f"{name}={environment[name]}" for name in environment]
    if subsidiary:
        process.pop("consoleSize", None)
        mounts = [m for m in mounts if _place(m["destination"]) != CONSOLE]
        mounts.append(
            {
                "destination": CONSOLE,
                "type": "bind",
                "source": subsidiary,
                "options": ["bind"],
            }
        )
    life["process"] = process
    life["mounts"] = mounts
    return life


def _mount(mount: Config, bundle: str) -> Config:
    """
    A bind mount's source is relative to the bundle; that of others is no path.
    """
    options = mount.get("options", [])
    if mount.get("type") != "bind" and not {"bind", "rbind"} & set(options):
        return mount
    if "source" not in mount:
        return mount
    return {**mount, "source": os.path.join(bundle, mount["source"])}


def _place(path: str) -> str:
    return os.path.normpath("/" + path.lstrip("/"))


#: What is looked at here, and what each has to be.  The rest is the runtime's to judge.
_SHAPE: tuple[tuple[str, type], ...] = (
    ("process", dict),
    ("process.env?", list),
    ("root", dict),
    ("root.path", str),
    ("annotations?", dict),
    ("mounts?", list),
)

_WORDS: dict[Any, str] = {dict: "an object", list: "a list", str: "a text"}


def _check(config: Config, name: str, kind: Any, path: str) -> None:
    found: Any = config
    *above, last = name.removesuffix("?").split(".")
    for part in above:
        found = found[part]
    found = found.get(last)
    if found is None and name.endswith("?"):
        return
    if not isinstance(found, kind):
        raise BadBundle(f"{path}: {name.removesuffix('?')} is not {_WORDS[kind]}")
    each = _EACH.get(name)
    if each is not None and not all(map(each, found)):
        raise BadBundle(
            f"{path}: something in {name.removesuffix('?')} is not what it has to be"
        )


def _isMount(mount: object) -> bool:
    return (
        isinstance(mount, dict)
        and isinstance(mount.get("destination"), str)
        and isinstance(mount.get("source", ""), str)
        and isinstance(mount.get("options", []), list)
        and all(isinstance(option, str) for option in mount.get("options", []))
    )


_EACH: dict[str, Callable[[Any], bool]] = {
    "mounts?": _isMount,
    "process.env?": lambda word: isinstance(word, str),
}
