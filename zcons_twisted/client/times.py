# -*- test-case-name: zcons_twisted.test.test_client_command_line -*-
"""
How long commands for scripts wait unless they are told otherwise: for the command line,
which is understood before Twisted is imported.
"""

from __future__ import annotations

__all__ = ["EXPECT_SECONDS", "SEND_SECONDS", "WAIT_SECONDS"]

#: How long a zone has to be silent, after the end of a script's input, until C{attach}
#: ends.
WAIT_SECONDS = 2.0

#: How long a zone may take to have room for what C{send} types.
SEND_SECONDS = 10.0

#: How long C{expect} waits.
EXPECT_SECONDS = 60.0
