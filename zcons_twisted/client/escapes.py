# -*- test-case-name: zcons_twisted.test.test_client_escapes -*-
r"""
The way out of a session: the command character at the beginning of a line.

C{~.}, or C{~} and the terminal's end-of-file character, ends the session.  C{~~}
sends one C{~}, C{~B} a break, and C{~?} tells what there is.  C{~} and anything else
sends both, where the C client lost the C{~}.  A line begins at the session's start and
after CR, LF, and the terminal's kill, second end-of-line, suspend and interrupt
characters.

Input is taken in chunks: a search finds the places where a command character
follows a line's end, and what lies between them is passed on as it is, so that a
large paste costs no work a byte.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from zcons_twisted.notices import escaped

from .errors import BadCommandCharacter

__all__ = [
    "BREAK",
    "COMMAND_CHARACTER",
    "HELP",
    "EscapeMachine",
    "LineCharacters",
    "Typed",
    "helpText",
    "lineHelpText",
    "parseCommandCharacter",
    "shown",
]

#: The command character unless another is chosen.
COMMAND_CHARACTER = b"~"

#: What follows it for a break, and for help.
BREAK = b"B"
HELP = b"?"

_CONTROL = re.compile(r"\^([@-_a-z?])")
_OCTAL = re.compile(r"\\([0-7]+)")


@dataclass(frozen=True, slots=True)
class LineCharacters:
    r"""
    The user's terminal settings, as far as escapes depend on them.

    @ivar ending: the characters after which a line begins, beside CR and LF; a
        character that is switched off is not among them.
    @ivar endOfFile: the end-of-file character, or C{b""} where it is off.
    """

    ending: bytes = b""
    endOfFile: bytes = b"\x04"


@dataclass(frozen=True, slots=True)
class Typed:
    """
    What to do with a chunk of input.

    @ivar send: what to send to the zone.
    @ivar leave: L{None}, or the session is to be left, this is shown to the
        user, and what followed in the chunk is dropped.
    @ivar asked: L{BREAK} or L{HELP}, where that comes after what is to be sent.
    @ivar rest: what followed that in the chunk, and is to be fed again.
    """

    send: bytes
    leave: bytes | None = None
    asked: bytes = b""
    rest: bytes = b""


class EscapeMachine:
    """
    Watches typed input for the way out, however it is split.
    """

    def __init__(
        self,
        command: bytes | None = COMMAND_CHARACTER,
        characters: LineCharacters | None = None,
    ) -> None:
        """
        @param command: the command character, or L{None}: there is no way out.
        @param characters: the user's terminal settings.
        """
        characters = LineCharacters() if characters is None else characters
        self._command = command
        self._eof = characters.endOfFile
        endings = b"\r\n" + characters.ending
        self._endings = frozenset(endings)
        self._next = re.compile(
            b"[" + re.escape(endings) + b"]" + re.escape(command or b"")
        )
        self._atStart = True
        self._held = False

    def feed(self, data: bytes) -> Typed:
        """
        Take a chunk of input.
        """
        command = self._command
        if command is None or not data:
            return Typed(data)
        sent: list[bytes] = []
        position = 0
        while position < len(data):
            if self._held:
                self._held = False
                character = data[position : position + 1]
                if character in (b".", self._eof):
                    return Typed(b"".join(sent), shown(command) + shown(character))
                if character in (BREAK, HELP) and character != command:
                    rest = data[position + 1 :]
                    self._atStart = True
                    return Typed(b"".join(sent), None, character, rest)
                if character != command:
                    sent.append(command)
                sent.append(character)
                self._atStart = character[0] in self._endings
                position += 1
            elif self._atStart and data.startswith(command, position):
                self._held = True
                position += 1
            else:
                end = self._plainUntil(data, position)
                sent.append(data[position:end])
                self._atStart = data[end - 1] in self._endings
                position = end
        return Typed(b"".join(sent))

    def end(self) -> bytes:
        """
        There is no more input.

        @return: a command character that waited for what follows it.
        """
        held, self._held = self._held, False
        return self._command or b"" if held else b""

    def _plainUntil(self, data: bytes, position: int) -> int:
        found = self._next.search(data, position)
        return len(data) if found is None else found.end() - 1


def helpText(command: bytes, looks: bool = False) -> bytes:
    """
    What there is to type, for somebody at a raw terminal.

    @param looks: whether that is somebody who only looks.
    """
    escape = shown(command)
    if looks:
        own = [b"^C  leave it, too"]
    else:
        own = [escape + b"B  send a break", escape + escape + b"  send " + escape]
    lines = [
        escape + b"?",
        escape + b".  leave the console",
        *own,
        escape + b"?  show this",
        *_overSsh(command),
        escape + b"  is recognized at the beginning of a line only",
    ]
    return b"".join(line + b"\r\n" for line in lines)


def lineHelpText(command: bytes) -> bytes:
    """
    The same for somebody who looks at several consoles, at a terminal that gives whole
    lines.
    """
    escape = shown(command)
    lines = [
        escape + b".  and Enter: leave the consoles",
        b"^C  leave them, too",
        escape + b"?  and Enter: show this",
        *_overSsh(command),
    ]
    return b"".join(line + b"\n" for line in lines)


def _overSsh(command: bytes) -> list[bytes]:
    """
    The same character is ssh's.
    """
    if command != COMMAND_CHARACTER:
        return []
    return [b"~~. leave over ssh, which takes ~. for itself"]


def shown(character: bytes) -> bytes:
    r"""
    A character as it is shown to the user: itself, C{^X} for a control character,
    C{\ooo} for others.
    """
    code = character[0]
    if code < 0x20:
        return b"^%c" % (code + 0x40,)
    return character if code < 0x7F else b"\\%03o" % (code,)


def parseCommandCharacter(argument: str) -> bytes:
    r"""
    The command character that C{-e} names: a character, C{\\} or C{\} for a
    backslash, C{^X} for a control character, C{\ooo} in octal, or C{none}.

    @return: the character, C{b""} for none.
    @raise BadCommandCharacter: it names none of these.
    """
    raw = os.fsencode(argument)
    if argument in ("\\", "\\\\"):
        return b"\\"
    if argument == "none":
        return b""
    if len(raw) == 1 and raw.isascii():
        return raw
    control = _CONTROL.fullmatch(argument)
    if control is not None:
        return bytes([ord(control[1].upper()) ^ 0x40])
    octal = _OCTAL.fullmatch(argument)
    if octal is None:
        raise BadCommandCharacter(
            f"Unrecognized escape character option {escaped(argument)}: give one"
            " character, ^X, \\ooo, or none"
        )
    code = int(octal[1], 8)
    if code > 0xFF:
        raise BadCommandCharacter(f"Octal escape character '{argument}' too large")
    return bytes([code])
