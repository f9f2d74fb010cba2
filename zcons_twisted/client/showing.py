# -*- test-case-name: zcons_twisted.test.test_client_showing -*-
"""
How what happens is shown to people.

Raw, as a terminal has always shown a console: notices and gaps stand among the output
in their brackets.  Or by lines, several zones at once: each line with its zone in
front, and nothing in it that a terminal would act on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from zcons_twisted.notices import escaped, framed, gapText, unconfirmedText

from .happenings import Anew, Gap, Happening, Notice, Unconfirmed, Welcome
from .reports import moment

__all__ = [
    "AGAIN_TEXT",
    "LINE_MAX",
    "LineShower",
    "dated",
    "gapSaid",
    "lostText",
    "remark",
    "shownRaw",
    "standingSaid",
]

#: A line is shown when it is as long as this, finished or not.
LINE_MAX = 4096


#: What is said when a connection that was lost is there again.
AGAIN_TEXT = "[Connected again]"


def lostText(restarts: bool) -> str:
    """
    What is said when a connection is lost, and tried again.

    @param restarts: whether the server had said that it restarts.
    """
    if restarts:
        return "[The server restarts; connecting again]"
    return "[Connection lost; trying again]"


def remark(happening: Happening) -> str:
    """
    What is said of it, or C{""}.
    """
    if isinstance(happening, Notice):
        return escaped(happening.text)
    if isinstance(happening, Gap):
        return gapText(happening.missing)
    if isinstance(happening, Anew):
        return "NOTICE: History begins anew"
    if isinstance(happening, Unconfirmed):
        return f"NOTICE: {unconfirmedText(happening.typed)}"
    return ""


def dated(notice: Notice) -> Notice:
    """
    The same with its time in its text.
    """
    return replace(notice, text=f"{moment(notice.time)} {notice.text}")


def gapSaid(gap: Gap) -> str:
    """
    A gap, where it can't be shown in its place.
    """
    what = "1 byte is" if gap.missing == 1 else f"{gap.missing} bytes are"
    return f"{what} missing at offset {gap.offset}"


def standingSaid(welcome: Welcome | None, zone: str) -> str:
    """
    How a zone stood when we came, where there is something to know.  An older server
    tells no more than that it was down.
    """
    if welcome is None or (welcome.present and not welcome.note):
        return ""
    down = f"zone '{zone}' is down: 'zconsole boot {zone}' starts it"
    return escaped(welcome.note) or down


def shownRaw(happening: Happening, encoding: str = "utf-8") -> bytes:
    """
    The same in its brackets, for a terminal in raw mode.
    """
    text = remark(happening)
    return framed(text, encoding) if text else b""


class LineShower:
    """
    The lines of one zone.
    """

    def __init__(self, zone: str, show: Callable[[str], None]) -> None:
        """
        @param zone: its name.
        @param show: takes lines, each with its newline.
        """
        self._prefix = f"{escaped(zone)}: "
        self._show = show
        self._held = b""

    def output(self, data: bytes) -> None:
        """
        The zone printed something: show the lines that it completes.
        """
        *whole, rest = (self._held + data).split(b"\n")
        while len(rest) >= LINE_MAX:
            whole.append(rest[:LINE_MAX])
            rest = rest[LINE_MAX:]
        self._held = rest
        if whole:
            self._show("".join(map(self._line, whole)))

    def happening(self, happening: Happening) -> None:
        """
        Something happened: it has a line of its own.
        """
        text = remark(happening)
        if text:
            self.remark(text)

    def remark(self, text: str) -> None:
        """
        Show a remark, after what there is of a line.
        """
        self.flush()
        self._show(f"{self._prefix}[{text}]\n")

    def flush(self) -> None:
        """
        Show what there is of a line, a prompt for example.
        """
        held, self._held = self._held, b""
        if held.strip():
            self._show(self._line(held))

    def _line(self, line: bytes) -> str:
        text = line.rstrip(b"\r").decode("utf-8", "surrogateescape")
        words = "\t".join(escaped(word) for word in text.split("\t"))
        return f"{self._prefix}{words}\n"
