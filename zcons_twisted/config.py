# -*- test-case-name: zcons_twisted.test.test_config -*-
"""
The configuration file: TOML, with a table for the server, one for what all zones have
in common, and one a zone::

    [server]
    rundir = "/run/zones"

    [defaults]
    history = "4M"

    [zones.web]
    exec = "/bin/login"

It is read and checked as a whole before anything is done with it, and everything that
is wrong with it is told at once, each with its line.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from .errors import BadOption, ZConsError
from .names import checkZoneName
from .notices import escaped
from .option_values import path
from .rundir import RunDirectory, groupNumber
from .toml_lines import Path, keyLines
from .zone_config import ZoneConfig
from .zone_options import ZONE_OPTIONS, conflicts, zoneConfig

__all__ = [
    "SERVER_OPTIONS",
    "BadConfig",
    "BadValue",
    "ServerConfig",
    "parseConfig",
    "readConfig",
]

#: A value that is wrong is shown so far.
_SHOWN = 60

_TABLES = ("server", "defaults", "zones")
_PLACE = re.compile(r"(.*) \(at (?:line ([0-9]+), column [0-9]+|end of document)\)")


class BadConfig(ZConsError):
    """
    A configuration that can't be used.

    @ivar problems: what is wrong with it, a line each.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class BadValue(ZConsError):
    """
    One option of a zone is to blame.

    @ivar option: its name.
    """

    def __init__(self, option: str, message: str) -> None:
        self.option = option
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """
    What a file says.

    @ivar zones: the zones, in its order.
    @ivar rundir: the run directory, or L{None}.
    @ivar gid: the group that may come in, or L{None}.
    """

    zones: list[ZoneConfig] = field(default_factory=list)
    rundir: RunDirectory | None = None
    gid: int | None = None


#: Is asked about each zone, and raises L{ZConsError} where it can't be served.
ZoneCheck = Callable[[ZoneConfig, RunDirectory | None], None]


def _rundir(given: object) -> RunDirectory:
    return RunDirectory(cast(str, path("a directory")(given)))


def _group(given: object) -> int:
    plain = isinstance(given, int) and not isinstance(given, bool)
    if not isinstance(given, str) and not plain:
        raise BadOption("the name or number of a group is needed")
    return groupNumber(str(given))


#: The options of the server itself, and how each value is made.
SERVER_OPTIONS: Mapping[str, Callable[[object], object]] = {
    "rundir": _rundir,
    "group": _group,
}


def readConfig(name: str, check: ZoneCheck) -> ServerConfig:
    """
    Read a configuration file.

    @param name: where it is.
    @param check: is asked about each zone.
    @raise BadConfig: it can't be used.
    """
    try:
        with open(name, "rb") as file:
            data = file.read()
    except OSError as e:
        raise BadConfig([f"{escaped(name)}: can't be read: {e.strerror}"]) from None
    try:
        text = data.decode()
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise BadConfig([f"{escaped(name)}:{line}: this is not UTF-8"]) from None
    return parseConfig(text, name, check)


def parseConfig(text: str, name: str, check: ZoneCheck) -> ServerConfig:
    """
    Make a configuration of its text.

    @param name: what the file is called in messages.
    @param check: is asked about each zone.
    @raise BadConfig: it can't be used.
    """
    try:
        document = tomllib.loads(text)
        lines = keyLines(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as e:
        raise BadConfig([f"{escaped(name)}:{_syntax(str(e), text)}"]) from None
    except RecursionError:
        raise BadConfig([f"{escaped(name)}:1: it is nested too deeply"]) from None
    reading = _Reading(document, lines)
    config = reading.config(check)
    if reading.problems:
        raise BadConfig(
            escaped(f"{name}:{line}: {problem}")
            for line, problem in sorted(reading.problems)
        )
    return config


def _syntax(error: str, text: str) -> str:
    """
    A syntax error, with its line in front.
    """
    found = _PLACE.fullmatch(error)
    what = found[1] if found is not None else error
    line = found[2] if found is not None else "1"
    if line is None:
        line = str(text.rstrip("\n").count("\n") + 1)
    return f"{line}: {escaped(what[:1].lower() + what[1:])}"


class _Reading:
    """
    One reading of a document.

    @ivar problems: what is wrong with it: lines and texts.
    """

    def __init__(self, document: dict[str, Any], lines: Mapping[Path, int]) -> None:
        self.problems: set[tuple[int, str]] = set()
        self._document = document
        self._lines = lines

    def config(self, check: ZoneCheck) -> ServerConfig:
        """
        What it says, as far as that can be used.
        """
        for key in self._document:
            if key not in _TABLES:
                self._unknown((key,), key, _TABLES, "table")
        server = self._options(("server",), SERVER_OPTIONS, "[server]")
        defaults = self._options(("defaults",), _FROM_TOML, "[defaults]")
        rundir = cast("RunDirectory | None", server.get("rundir"))
        zones: list[ZoneConfig] = []
        for name in self._table(("zones",)):
            zone = self._zone(name, defaults)
            if zone is not None:
                zones.append(zone)
                try:
                    check(zone, rundir)
                except ZConsError as e:
                    self._refused(name, e)
        return ServerConfig(zones, rundir, cast("int | None", server.get("group")))

    def _zone(self, name: str, defaults: dict[str, object]) -> ZoneConfig | None:
        """
        One zone, unless there is something wrong with it.
        """
        where: Path = ("zones", name)
        before = len(self.problems)
        try:
            checkZoneName(name)
        except ZConsError as e:
            self._tell(where, str(e))
        own = self._options(where, _FROM_TOML, f"zone {ascii(name)}")
        for option, why in conflicts(own, defaults, str):
            place = (*where, option) if option in own else ("defaults", option)
            self._tell(place, f"zone {ascii(name)}: {option} {why}")
        if len(self.problems) > before:
            return None
        return zoneConfig(name, own, defaults)

    def _refused(self, name: str, error: ZConsError) -> None:
        where: Path = ("zones", name)
        if isinstance(error, BadValue):
            for place in ((*where, error.option), ("defaults", error.option)):
                if place in self._lines:
                    where = place
                    break
        self._tell(where, f"zone {ascii(name)}: {error}")

    def _options(
        self,
        table: Path,
        known: Mapping[str, Callable[[object], object]],
        whose: str,
    ) -> dict[str, object]:
        """
        The values of a table, as far as they can be used.
        """
        found: dict[str, object] = {}
        for key, given in self._table(table).items():
            place = (*table, key)
            if key not in known:
                self._unknown(place, key, known, f"{whose}: option", given)
                continue
            try:
                found[key] = known[key](given)
            except ZConsError as e:
                shown = ascii(given)
                if len(shown) > _SHOWN:
                    shown = f"{shown[:_SHOWN]}..."
                self._tell(place, f"{whose}: {key} = {shown}: {e}")
        return found

    def _table(self, table: Path) -> dict[str, Any]:
        """
        A table; an empty one where there is none.
        """
        found: Any = self._document
        for key in table:
            found = found.get(key, {})
        if isinstance(found, dict):
            return found
        name = ".".join(table)
        self._tell(table, f"'{name}' has to be a table: [{name}]")
        return {}

    def _unknown(
        self,
        place: Path,
        key: str,
        known: Iterable[str],
        what: str,
        given: object = None,
    ) -> None:
        """
        Something is there that nobody knows.
        """
        text = f"{what} {ascii(key)} is not known"
        near = difflib.get_close_matches(key, known, 1)
        if near:
            text += f": is '{near[0]}' meant?"
        elif place[0] == "zones" and isinstance(given, dict):
            # A dot in a zone's name divides keys, where it is not quoted.
            meant = " or ".join(f'"{name}"' for name in _dotted((place[1], key), given))
            text += f": a zone's name with a dot is written {meant}"
        self._tell(place, text)

    def _tell(self, place: Path, text: str) -> None:
        self.problems.add((self._lines.get(place, 1), text))


def _dotted(parts: Path, table: dict[str, Any]) -> Iterable[str]:
    """
    The zones that may be meant by a table whose name was divided at its dots: those
    that have options, or nothing.
    """
    waiting = [(parts, table)]
    while waiting:
        name, found = waiting.pop(0)
        inner = [(k, v) for k, v in found.items() if isinstance(v, dict)]
        waiting += [((*name, key), value) for key, value in inner]
        if len(inner) < len(found) or not found:
            yield ".".join(name)


_FROM_TOML = {name: option.fromToml for name, option in ZONE_OPTIONS.items()}
