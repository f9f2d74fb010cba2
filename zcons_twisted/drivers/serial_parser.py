# -*- test-case-name: zcons_twisted.test.test_serial -*-
"""
C{serial:} in endpoint strings.  Apart from the lines themselves, which are loaded only
when there is one.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IStreamClientEndpointStringParserWithReactor
from twisted.plugin import IPlugin
from zope.interface import implementer

from ..errors import BadOption

__all__ = ["SerialParser"]


@implementer(IPlugin, IStreamClientEndpointStringParserWithReactor)
class SerialParser:
    """
    Makes endpoints of C{serial:PATH} with C{:baudrate=}, C{:bytesize=}, C{:parity=},
    C{:stopbits=}, C{:rtscts=} and C{:xonxoff=}.
    """

    prefix = "serial"

    def parseStreamClient(self, reactor: Any, *words: Any, **settings: Any) -> Any:
        """
        See L{IStreamClientEndpointStringParserWithReactor}.

        @raise BadOption: a setting can't be had.
        """
        from .serial_line import SerialEndpoint, lineSettings

        if len(words) != 1:
            raise BadOption("one path is needed, serial:/dev/ttyS0 for example")
        return SerialEndpoint(reactor, words[0], lineSettings(**settings))
