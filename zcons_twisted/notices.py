# -*- test-case-name: zcons_twisted.test.test_notices -*-
"""
The texts that tell a session what happened to its zone, and their frame.

A legacy session gets a notice in band, as C{CR LF [ text ] CR LF}.  Whatever
comes from outside (boot arguments) is escaped, so that no notice ever carries a
control character that we did not put there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from .events import ZoneEvent

__all__ = [
    "DOWN_TEXT",
    "EVENT_REASON_MAX",
    "NOTICE_MAX",
    "REASONED",
    "UNCONNECTED_TEXT",
    "UNKNOWN_TEXT",
    "droppedText",
    "escaped",
    "forgottenText",
    "framed",
    "gapText",
    "keptText",
    "noticeText",
    "unconfirmedText",
    "ungivenText",
    "unreadText",
    "untakenText",
]

#: Longest framed notice in bytes (illumos' C{BUFSIZ} is 1024 with a NUL).
NOTICE_MAX = 1023

#: Longest reason that is kept with an event, in UTF-8 bytes: a mark has room for it.
EVENT_REASON_MAX = 400

#: The events of which it is told why they happened, where that is known; but not to
#: legacy sessions, whose texts are illumos'.
REASONED = frozenset({ZoneEvent.HALTED, ZoneEvent.BOOT_FAILED})

_OPEN = b"\r\n["
_CLOSE = b"]\r\n"

Translate = Callable[[str], str]

_PLAIN = {
    (ZoneEvent.BOOTING, False): "NOTICE: Zone booting up",
    (ZoneEvent.READIED, False): "NOTICE: Zone readied",
    (ZoneEvent.HALTED, False): "NOTICE: Zone halted",
    (ZoneEvent.HALTED, True): "NOTICE: Zone halted.  Disconnecting...",
    (ZoneEvent.REBOOTING, False): "NOTICE: Zone rebooting",
    (ZoneEvent.UNINSTALLING, False): (
        "NOTICE: Zone is being uninstalled.  Disconnecting..."
    ),
    (ZoneEvent.BOOT_FAILED, False): "NOTICE: Zone boot failed",
    (ZoneEvent.BOOT_FAILED, True): "NOTICE: Zone boot failed.  Disconnecting...",
    (ZoneEvent.CONNECTED, False): "NOTICE: Console connected",
    (ZoneEvent.DISCONNECTED, False): "NOTICE: Console disconnected",
}

_WITH_ARGUMENTS = {
    (ZoneEvent.BOOTING, False): "NOTICE: Zone booting up with arguments: %s",
    (ZoneEvent.HALTED, False): "NOTICE: Zone halted: %s",
    (ZoneEvent.HALTED, True): "NOTICE: Zone halted: %s.  Disconnecting...",
    (ZoneEvent.REBOOTING, False): "NOTICE: Zone rebooting with arguments: %s",
    (ZoneEvent.BOOT_FAILED, False): "NOTICE: Zone boot failed: %s",
    (ZoneEvent.BOOT_FAILED, True): "NOTICE: Zone boot failed: %s.  Disconnecting...",
    (ZoneEvent.BAD_ARGS, False): "WARNING: Ignoring invalid boot arguments: %s",
    (ZoneEvent.CONNECTED, False): "NOTICE: Console connected: %s",
    (ZoneEvent.DISCONNECTED, False): "NOTICE: Console disconnected: %s",
}

#: What is told with a connection before which the zone may have printed something.
UNKNOWN_TEXT = "what was printed before is not known"


def escaped(text: str) -> str:
    r"""
    Text from outside with everything that is not plainly visible shown as
    C{\xNN} (C{\uNNNN} and C{\UNNNNNNNN} beyond Latin-1): control characters,
    format characters such as direction overrides, line separators, lone
    surrogates.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _visible(c) else _shown(c) for c in text)


def _visible(character: str) -> bool:
    if " " <= character <= "~":
        return True
    return unicodedata.category(character)[0] not in "CZ"


def _shown(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # A byte that was no UTF-8, as os.fsdecode keeps it.
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def keptText(event: ZoneEvent, arguments: str) -> str:
    """
    What is kept with an event: its boot arguments, or why it happened, in one line
    without anything that is not plainly visible, and no longer than
    L{EVENT_REASON_MAX}.
    """
    if event not in REASONED:
        return arguments
    reason = escaped(" ".join(arguments.split()))
    data = reason.encode("utf-8", "replace")
    if len(data) <= EVENT_REASON_MAX:
        return reason
    return data[: EVENT_REASON_MAX - 3].decode("utf-8", "ignore") + "..."


def noticeText(
    event: ZoneEvent,
    disconnect: bool = False,
    arguments: str = "",
    translate: Translate = str,
) -> str | None:
    """
    What a session is told of an event.

    @param event: what happened.
    @param disconnect: whether the session asked to be ended when the zone halts
        or fails to boot.
    @param arguments: the boot arguments, or for L{ZoneEvent.BAD_ARGS} those that
        were not understood, or for L{ZoneEvent.DISCONNECTED} and those of L{REASONED}
        why, or for L{ZoneEvent.CONNECTED} what else there is to know; escaped here.
    @param translate: from an English text to the session's language.
    @return: the text, or L{None} for an event that nobody is told of.
    """
    both = _WITH_ARGUMENTS
    pattern = both.get((event, disconnect)) or both.get((event, False))
    if pattern is not None and (arguments or event is ZoneEvent.BAD_ARGS):
        return translate(pattern).replace("%s", escaped(arguments), 1)
    text = _PLAIN.get((event, disconnect)) or _PLAIN.get((event, False))
    return None if text is None else translate(text)


def gapText(missed: int, translate: Translate = str) -> str:
    """
    What a session is told in the place of output that it missed.

    @param missed: how many bytes.
    """
    if missed == 1:
        return translate("NOTICE: 1 byte skipped")
    return translate("NOTICE: %s bytes skipped").replace("%s", str(missed), 1)


def forgottenText(translate: Translate = str) -> str:
    """
    What a session is told where something happened that is not kept any more.
    """
    return translate("NOTICE: Earlier notices are not kept")


def unconfirmedText(typed: int) -> str:
    """
    What is said of input that may be lost.

    @param typed: how many bytes.
    """
    what = "1 byte that was" if typed == 1 else f"{typed} bytes that were"
    return f"{what} typed may not have reached the zone"


def droppedText(typed: int) -> str:
    """
    What is said of input that is not sent, for whom it was typed for is gone.

    @param typed: how many bytes.
    """
    if typed == 1:
        what, are = "last byte was", "it is"
    else:
        what, are = f"last {typed} bytes were", "they are"
    return f"the zone is not the one that the {what} typed for: {are} not sent"


#: What is said to who types where there is no zone.
DOWN_TEXT = "zone is down: what is typed reaches nobody"

#: What is said to who types where the console's connection is lost, or was never made.
UNCONNECTED_TEXT = "the console is not connected: what is typed reaches nobody"


def unreadText(unread: int) -> str:
    """
    What is said to who has typed what the zone did not live to read.
    """
    what = "last byte that was" if unread == 1 else f"last {unread} bytes that were"
    return f"zone ended before it had read the {what} typed"


def untakenText(untaken: int) -> str:
    """
    What is said to who has typed what the console's connection did not last to take.
    """
    return (
        f"connection ended before it had taken the last {untaken} bytes that were typed"
    )


def ungivenText(ungiven: int) -> str:
    """
    What is said of what was typed and waited for the zone when the server ended.
    """
    what = "last byte that was" if ungiven == 1 else f"last {ungiven} bytes that were"
    return f"the server ended before the zone had room for the {what} typed"


def framed(text: str, encoding: str = "ascii") -> bytes:
    """
    A text as a legacy session gets it.  What is too long loses its end, never its
    closing bracket; what the character set lacks becomes C{?}.

    @param text: a notice's text.
    @param encoding: the session's character set, an extension of ASCII.
    @return: at most L{NOTICE_MAX} bytes.
    """
    room = NOTICE_MAX - len(_OPEN) - len(_CLOSE)
    body = text.encode(encoding, "replace")
    while len(body) > room:
        # By characters, so that none is cut in two.
        text = text[: -max(1, (len(body) - room) // 4)]
        body = text.encode(encoding, "replace")
    return _OPEN + body + _CLOSE
