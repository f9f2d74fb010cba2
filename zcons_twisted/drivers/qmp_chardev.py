# -*- test-case-name: zcons_twisted.test.test_qmp_zone -*-
"""
Which of QEMU's character devices is the console that somebody has connected to?
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from ..notices import escaped

__all__ = ["ConsoleChardev", "chardevOf"]


class ConsoleChardev:
    """
    The character device that a machine's console is.

    @ivar name: what QEMU calls it, or C{""} while that is not known.
    @ivar why: why it is not known.
    @ivar peer: the address that the console was found at.
    """

    def __init__(self, name: str) -> None:
        """
        @param name: what QEMU calls it, where that is not to be found out.
        """
        self.name = name
        self.why = "QEMU has not told of its character devices yet"
        self.peer: object = None

    def told(self, answer: Any) -> None:
        """
        QEMU has answered C{query-chardev}.
        """
        names, found = chardevOf(answer, self.peer)
        self.name = found or ""
        self.why = (
            "none of QEMU's character devices is known to be the console: give"
            f" --qmp-chardev and one of {', '.join(map(escaped, names)) or 'them'}"
        )


def chardevOf(told: Any, peer: object) -> tuple[list[str], str | None]:
    """
    @param told: what QEMU answers to C{query-chardev}.
    @param peer: the address that the console was found at.
    @return: the devices that there are, and the one that it is, if any.
    """
    names: list[str] = []
    found = None
    wanted = _spellings(peer)
    for each in told if isinstance(told, list) else []:
        if not isinstance(each, dict):
            continue
        label, filename = each.get("label"), each.get("filename")
        if isinstance(label, str) and isinstance(filename, str):
            names.append(label)
            # "disconnected:unix:/run/vm.sock,server=on"; or with "<->" and the other
            # end, once there is one.
            where = filename.removeprefix("disconnected:").partition(",")[0]
            if where in wanted or _samePath(where, peer):
                found = label
    return names, found


def _spellings(peer: object) -> set[str]:
    if isinstance(peer, IPv4Address):
        return {f"{kind}:{peer.host}:{peer.port}" for kind in ("tcp", "telnet")}
    if isinstance(peer, IPv6Address):
        return {f"{kind}:[{peer.host}]:{peer.port}" for kind in ("tcp", "telnet")}
    return set()


def _samePath(where: str, peer: object) -> bool:
    if not isinstance(peer, UNIXAddress) or not peer.name:
        return False
    kind, _, path = where.partition(":")
    try:
        return kind == "unix" and os.path.samefile(path, os.fsdecode(peer.name))
    except (OSError, ValueError):
        return False
