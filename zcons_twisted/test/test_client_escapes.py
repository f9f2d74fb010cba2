# -*- test-case-name: zcons_twisted.test.test_client_escapes -*-
"""
Tests for L{zcons_twisted.client.escapes}.
"""

from __future__ import annotations

import random

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.errors import BadCommandCharacter
from zcons_twisted.client.escapes import (
    BREAK,
    HELP,
    EscapeMachine,
    LineCharacters,
    Typed,
    helpText,
    lineHelpText,
    parseCommandCharacter,
    shown,
)

USER = LineCharacters(ending=b"\x15\x1a\x03", endOfFile=b"\x04")

Outcome = tuple[bytes, "bytes | None"]


def typed(
    data: bytes, sizes: int | None = None, command: bytes | None = b"~"
) -> Outcome:
    """
    What is sent, and what is shown at leaving, for input in pieces of a size.
    """
    machine = EscapeMachine(command, USER)
    sent = b""
    size = sizes or len(data)
    for at in range(0, len(data), size):
        outcome = machine.feed(data[at : at + size])
        sent += outcome.send
        if outcome.leave is not None:
            return sent, outcome.leave
    return sent + machine.end(), None


def reference(data: bytes, command: int = ord("~")) -> Outcome:
    """
    The rules, byte by byte.
    """
    sent = bytearray()
    start, held = True, False
    for byte in data:
        if held:
            held = False
            if byte in b".\x04":
                return bytes(sent), shown(bytes([command])) + shown(bytes([byte]))
            if byte != command:
                sent.append(command)
        elif start and byte == command:
            held = True
            continue
        sent.append(byte)
        start = byte in b"\r\n\x15\x1a\x03"
    return bytes(sent) + (bytes([command]) if held else b""), None


class EscapeMachineTests(SynchronousTestCase):
    """
    The command character at the beginning of a line.
    """

    def test_table(self) -> None:
        """
        Each way to type it does what it should, however it is split.
        """
        table: list[tuple[bytes, Outcome]] = [
            (b"~.", (b"", b"~.")),
            (b"~\x04", (b"", b"~^D")),
            (b"ls\r~.", (b"ls\r", b"~.")),
            (b"ls\n~.", (b"ls\n", b"~.")),
            (b"ls\x03~.", (b"ls\x03", b"~.")),
            (b"ls\x15~.", (b"ls\x15", b"~.")),
            (b"ls\x1a~.", (b"ls\x1a", b"~.")),
            (b"ls~.", (b"ls~.", None)),
            (b"~~", (b"~", None)),
            (b"~~.", (b"~.", None)),
            (b"~~x", (b"~x", None)),
            (b"~x", (b"~x", None)),
            (b"~x.", (b"~x.", None)),
            (b"~\r~.", (b"~\r", b"~.")),
            (b"~", (b"~", None)),
            (b"\r\r~~\r~.more", (b"\r\r~\r", b"~.")),
            (b"a~b~c\r", (b"a~b~c\r", None)),
        ]
        for data, outcome in table:
            for size in range(1, len(data) + 1):
                self.assertEqual(typed(data, size), outcome, (data, size))

    def test_whatFollowsTheWayOut(self) -> None:
        """
        Nothing that was typed after the way out is sent.
        """
        machine = EscapeMachine(b"~", USER)
        outcome = machine.feed(b"a\r~.rm -rf /\r")
        self.assertEqual((outcome.send, outcome.leave), (b"a\r", b"~."))

    def test_noWayOut(self) -> None:
        """
        Without a command character every byte is sent.
        """
        data = bytes(range(256)) + b"\r~.\r~~"
        self.assertEqual(typed(data, 3, None), (data, None))

    def test_anotherCharacter(self) -> None:
        """
        Another command character takes the place of C{~}.
        """
        self.assertEqual(typed(b"~.\r].", command=b"]"), (b"~.\r", b"]."))
        self.assertEqual(typed(b"\x1d.", command=b"\x1d"), (b"", b"^]."))

    def test_regularExpressionCharacters(self) -> None:
        """
        No character is special as a command character.
        """
        for code in range(256):
            command = bytes([code])
            if command in b"\r\n\x15\x1a\x03":
                continue
            sent, leave = typed(b"x\n" + command + b".", 1, command)
            self.assertEqual(sent, b"x\n")
            self.assertIsNotNone(leave)

    def test_switchedOff(self) -> None:
        """
        A terminal's character that is switched off begins no line and ends nothing.
        """
        machine = EscapeMachine(b"~", LineCharacters(b"", b""))
        outcome = machine.feed(b"\0~.\x03~.\r~\x04")
        self.assertEqual((outcome.send, outcome.leave), (b"\0~.\x03~.\r~\x04", None))

    def test_asByteByByte(self) -> None:
        """
        Chunks give the same as bytes one by one, for any input.
        """
        chance = random.Random(1)
        for _ in range(2000):
            data = bytes(
                chance.choice(b"~~~\r\nab.\x04\x03")
                for _ in range(chance.randrange(12))
            )
            expected = reference(data)
            for size in (1, 2, 3, 12):
                self.assertEqual(typed(data, size), expected, data)

    def test_largePaste(self) -> None:
        """
        A large paste is sent whole.
        """
        data = b"some line of text ~ with tildes\n" * 50000
        self.assertEqual(typed(data), (data, None))

    def test_asked(self) -> None:
        """
        A break and help are asked for, in their place among what is typed; what
        follows begins a line.
        """
        machine = EscapeMachine(b"~", USER)
        asked = machine.feed(b"ls\r~B~.x")
        self.assertEqual(asked, Typed(b"ls\r", None, BREAK, b"~.x"))
        self.assertEqual(machine.feed(asked.rest), Typed(b"", b"~."))
        machine = EscapeMachine(b"~", USER)
        self.assertEqual(machine.feed(b"~"), Typed(b""))
        self.assertEqual(machine.feed(b"?"), Typed(b"", None, HELP, b""))
        self.assertEqual(machine.feed(b"x~B~?"), Typed(b"x~B~?"))

    def test_help(self) -> None:
        """
        What there is to type is told with the character that there is.
        """
        self.assertIn(b"\r\n^].  leave the console\r\n", helpText(b"\x1d"))
        self.assertIn(b"\n^]?  and Enter: show this\n", lineHelpText(b"\x1d"))

    def test_helpToWatchers(self) -> None:
        """
        Whoever only looks is not offered what is for the operator alone, but C{^C}.
        """
        self.assertIn(b"\r\n~B  send a break\r\n~~  send ~\r\n", helpText(b"~"))
        told = helpText(b"~", looks=True)
        for text, has in ((b"~B", False), (b"~~ ", False), (b"\r\n^C  leave", True)):
            self.assertEqual(text in told, has)
        self.assertIn(b"\n^C  leave", lineHelpText(b"~"))

    def test_overSsh(self) -> None:
        """
        Where the character is that of ssh, it is told how to get it past that.
        """
        for told in (helpText, lineHelpText):
            self.assertIn(b"\n~~. leave over ssh", told(b"~"))
            self.assertNotIn(b"ssh", told(b"%"))

    def test_nothing(self) -> None:
        """
        No input is no input.
        """
        self.assertEqual(EscapeMachine().feed(b"").send, b"")


class ShownTests(SynchronousTestCase):
    """
    How a character is shown.
    """

    def test_shown(self) -> None:
        """
        Control characters get a caret, others that can't be seen are octal.
        """
        for character, text in (
            (b"~", b"~"),
            (b"\x04", b"^D"),
            (b"\0", b"^@"),
            (b"\x7f", b"\\177"),
            (b"\xff", b"\\377"),
        ):
            self.assertEqual(shown(character), text)


class ParseTests(SynchronousTestCase):
    """
    The argument of C{-e}.
    """

    def test_characters(self) -> None:
        """
        A character, a backslash in two ways, or an octal number.
        """
        for argument, character in (
            ("%", b"%"),
            ("^]", b"\x1d"),
            ("^a", b"\x01"),
            ("^?", b"\x7f"),
            ("^", b"^"),
            ("none", b""),
            ("\x1d", b"\x1d"),
            ("\\", b"\\"),
            ("\\\\", b"\\"),
            ("\\035", b"\x1d"),
            ("\\0", b"\0"),
            ("\\377", b"\xff"),
        ):
            self.assertEqual(parseCommandCharacter(argument), character)

    def test_refused(self) -> None:
        """
        Anything else is refused with what was given, control characters escaped.
        """
        for argument, text in (
            ("\\x41", "Unrecognized escape character option \\x41"),
            ("ab", "Unrecognized escape character option ab"),
            ("^ab", "Unrecognized escape character option ^ab"),
            ("\\8", "Unrecognized escape character option \\8"),
            ("", "Unrecognized escape character option "),
            ("é", "Unrecognized escape character option é"),
            ("\\\x1b", "Unrecognized escape character option \\\\x1b"),
            ("\\400", "Octal escape character '\\400' too large"),
        ):
            error = self.assertRaises(
                BadCommandCharacter, parseCommandCharacter, argument
            )
            self.assertTrue(str(error).startswith(text), str(error))
