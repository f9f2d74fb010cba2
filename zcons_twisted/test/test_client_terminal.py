# -*- test-case-name: zcons_twisted.test.test_client_terminal -*-
"""
Tests for L{zcons_twisted.client.terminal}.
"""

from __future__ import annotations

import os
import signal
import termios
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.terminal import UserTerminal, lineCharacters, rawAttributes


class RawAttributesTests(SynchronousTestCase):
    """
    What raw mode is.
    """

    def attributes(self, flags: int) -> list[object]:
        """
        Settings with the same bits in every word.
        """
        return [flags, flags, flags, flags, 15, 15, [b"\x07"] * 32]

    def test_everythingSet(self) -> None:
        """
        What changes characters, echoes, or acts on them is switched off, and
        nothing else is.
        """
        before = self.attributes(-1)
        raw = rawAttributes(before)
        gone = termios.ISTRIP | termios.IXON | termios.IXANY | termios.INLCR
        gone |= termios.ICRNL | termios.IGNCR | getattr(termios, "IUCLC", 0)
        self.assertEqual(raw[0], ~gone)
        self.assertEqual(raw[1], ~termios.OPOST)
        self.assertEqual(raw[2], -1)
        gone = termios.ICANON | termios.ISIG | termios.ECHO | termios.IEXTEN
        self.assertEqual(raw[3], ~gone)
        self.assertEqual(raw[4:6], [15, 15])

    def test_characters(self) -> None:
        """
        A read returns at the first character; the user's own settings are kept.
        """
        before = self.attributes(0)
        raw = rawAttributes(before)
        self.assertEqual(raw[6][termios.VMIN], 1)
        self.assertEqual(raw[6][termios.VTIME], 0)
        self.assertEqual(before, self.attributes(0))

    def test_nothingSet(self) -> None:
        """
        Nothing is switched on.
        """
        self.assertEqual(rawAttributes(self.attributes(0))[:4], [0, 0, 0, 0])


class LineCharactersTests(SynchronousTestCase):
    """
    The user's own special characters.
    """

    def test_usersOwn(self) -> None:
        """
        They are those of the user's settings; one that is off is none.
        """
        characters = [b"\0"] * 32
        characters[termios.VINTR] = b"\x03"
        characters[termios.VKILL] = b"\x15"
        self.assertEqual(lineCharacters([0] * 6 + [characters]).ending, b"\x15\x03")
        self.assertEqual(lineCharacters([0] * 6 + [characters]).endOfFile, b"")
        characters[termios.VEOF] = b"\x04"
        self.assertEqual(lineCharacters([0] * 6 + [characters]).endOfFile, b"\x04")


class UserTerminalTests(SynchronousTestCase):
    """
    A terminal that is put back.
    """

    def setUp(self) -> None:
        """
        A terminal.
        """
        self.manager, self.user = os.openpty()
        self.addCleanup(os.close, self.user)
        self.before = termios.tcgetattr(self.user)
        self.terminal = UserTerminal(self.user)

    def tearDown(self) -> None:
        """
        The other end.
        """
        if self.manager >= 0:
            os.close(self.manager)

    def test_rawAndBack(self) -> None:
        """
        It is raw for a while, and then as it was to the last bit.
        """
        self.assertFalse(self.terminal.raw)
        self.terminal.makeRaw()
        self.assertTrue(self.terminal.raw)
        self.assertFalse(termios.tcgetattr(self.user)[3] & termios.ICANON)
        self.terminal.restore()
        self.assertFalse(self.terminal.raw)
        self.assertEqual(termios.tcgetattr(self.user), self.before)

    def test_notRaw(self) -> None:
        """
        One that is not raw is left alone, whatever the user does with it.
        """
        changed = termios.tcgetattr(self.user)
        changed[3] &= ~termios.ECHO
        termios.tcsetattr(self.user, termios.TCSANOW, changed)
        self.terminal.restore()
        self.assertEqual(termios.tcgetattr(self.user), changed)

    def test_again(self) -> None:
        """
        It can be made raw again, without losing what was typed meanwhile.
        """
        self.terminal.makeRaw()
        os.write(self.manager, b"typed")
        self.terminal.makeRaw()
        self.assertEqual(os.read(self.user, 100), b"typed")
        self.terminal.restore()
        self.assertEqual(termios.tcgetattr(self.user), self.before)

    def test_typedAhead(self) -> None:
        """
        What was typed before it was raw is read when it is, an unfinished line too.
        """
        os.write(self.manager, b"root\nhalf a li")
        # Its echo: the terminal has it.
        self.assertTrue(os.read(self.manager, 100).startswith(b"root\r\n"))
        os.set_blocking(self.user, False)
        self.terminal.makeRaw()
        self.assertEqual(os.read(self.user, 100), b"root\nhalf a li")

    def test_fromTheBackground(self) -> None:
        """
        Putting back changes no signal.
        """
        before = signal.getsignal(signal.SIGTTOU)
        self.terminal.makeRaw()
        self.terminal.restore()
        self.assertIs(signal.getsignal(signal.SIGTTOU), before)

    def test_size(self) -> None:
        """
        It has a size, until it is gone.
        """
        termios.tcsetwinsize(self.user, (33, 99))
        terminal = UserTerminal(self.user)
        self.assertEqual(terminal.size, (33, 99))
        with mock.patch("termios.tcgetwinsize", side_effect=termios.error):
            self.assertEqual(terminal.size, (0, 0))

    def test_gone(self) -> None:
        """
        A terminal that is gone needs no putting back.
        """
        self.terminal.makeRaw()
        os.close(self.manager)
        self.manager = -1
        self.terminal.restore()

    def test_noTerminal(self) -> None:
        """
        What is no terminal has no settings.
        """
        number = os.open(os.devnull, os.O_RDWR)
        self.addCleanup(os.close, number)
        self.assertRaises(termios.error, UserTerminal, number)
