# -*- test-case-name: zcons_twisted.test.test_serial_parser -*-
"""
Tests for L{zcons_twisted.drivers.serial_parser} and the settings of a line.
"""

from __future__ import annotations

import termios
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import (
    IStreamClientEndpoint,
    IStreamClientEndpointStringParserWithReactor,
)
from twisted.plugin import IPlugin, getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..drivers.serial_line import (
    LineSettings,
    lineSettings,
)
from ..drivers.serial_parser import SerialParser
from ..errors import BadOption
from ..testing import FakeReactor

_SBRK, _CBRK = 0x5427, 0x5428


class SettingsTests(SynchronousTestCase):
    """
    How a line is set.
    """

    def bad(self, **settings: str) -> str:
        """
        @return: what is wrong with these.
        """
        return str(self.assertRaises(BadOption, lineSettings, **settings))

    def test_default(self) -> None:
        """
        115200 bits a second, eight bits, no parity, one stop bit, no flow control.
        """
        self.assertEqual(
            lineSettings(),
            LineSettings(termios.B115200, termios.CS8, False, False),
        )
        self.assertEqual(lineSettings(), LineSettings())

    def test_all(self) -> None:
        """
        Each can be had otherwise.
        """
        self.assertEqual(
            lineSettings("9600", "7", "odd", "2", "yes", "yes"),
            LineSettings(
                termios.B9600,
                termios.CS7 | termios.PARENB | termios.PARODD | termios.CSTOPB,
                True,
                True,
            ),
        )
        self.assertEqual(
            lineSettings(bytesize="5", parity="even").control,
            termios.CS5 | termios.PARENB,
        )

    def test_bad(self) -> None:
        """
        What can't be had is told with what can.
        """
        for rate in ("0", "12345", "x", "", "-9600", "9" * 50, "٩٦٠٠"):
            self.assertTrue(
                self.bad(baudrate=rate).startswith(
                    f"baudrate={rate}: choose one of 50, 75,"
                ),
                rate,
            )
        self.assertEqual(self.bad(bytesize="9"), "bytesize=9: choose one of 5, 6, 7, 8")
        self.assertEqual(
            self.bad(parity="x"), "parity=x: choose one of none, even, odd"
        )
        self.assertEqual(self.bad(stopbits="3"), "stopbits=3: choose one of 1, 2")
        for name in ("rtscts", "xonxoff"):
            self.assertEqual(
                self.bad(**{name: "1"}), f"{name}=1: choose one of yes, no"
            )

    def test_applied(self) -> None:
        """
        A line is raw, needs no carrier and is not hung up when it is closed.
        """
        before: list[Any] = [-1, -1, -1, -1, termios.B50, termios.B50, [b"x"] * 32]
        settings = LineSettings(termios.B9600, termios.CS7, True, True)
        iflag, oflag, cflag, lflag, ispeed, ospeed, cc = settings.applied(before)
        self.assertEqual(iflag, termios.IGNBRK | termios.IXON | termios.IXOFF)
        self.assertEqual((oflag, lflag), (0, 0))
        self.assertEqual(
            cflag, termios.CS7 | termios.CREAD | termios.CLOCAL | termios.CRTSCTS
        )
        self.assertFalse(cflag & termios.HUPCL)
        self.assertEqual((ispeed, ospeed), (termios.B9600, termios.B9600))
        self.assertEqual((cc[termios.VMIN], cc[termios.VTIME]), (1, 0))


class ParserTests(SynchronousTestCase):
    """
    C{serial:} in endpoint strings.
    """

    def test_plugin(self) -> None:
        """
        Twisted finds it.
        """
        (parser,) = [
            each
            for each in getPlugins(IStreamClientEndpointStringParserWithReactor)
            if each.prefix == "serial"
        ]
        self.assertIsInstance(parser, SerialParser)
        verifyObject(IStreamClientEndpointStringParserWithReactor, parser)
        verifyObject(IPlugin, parser)

    def test_parse(self) -> None:
        """
        A path, and settings by their names.
        """
        endpoint = clientFromString(
            FakeReactor(), r"serial:/dev/serial/by-path/x\:1:baudrate=9600:rtscts=yes"
        )
        verifyObject(IStreamClientEndpoint, endpoint)
        self.assertEqual(endpoint._path, "/dev/serial/by-path/x:1")
        self.assertEqual(endpoint._settings, LineSettings(termios.B9600, rtscts=True))

    def test_noPath(self) -> None:
        """
        There must be a path, and one alone.
        """
        for text in ("serial:baudrate=50", "serial:/a:/b"):
            self.assertRaises(BadOption, clientFromString, FakeReactor(), text)
