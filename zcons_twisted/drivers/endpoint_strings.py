# -*- test-case-name: zcons_twisted.test.test_endpoint_strings -*-
"""
Endpoint strings, which are Twisted's: what they describe, and where that is.
"""

from __future__ import annotations

import os
import re
from typing import Any

from twisted.internet.interfaces import IStreamClientEndpoint

from ..errors import BadOption
from ..notices import escaped
from ..reactors import ServerReactor

__all__ = ["clientEndpoint", "unixEndpoint", "unixPath"]

#: What systemd tells of passed sockets.
_PASSED = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")

# A backslash makes a plain character of whatever follows it.
_WORD = re.compile(r"((?:[^:\\]|\\.)*)(?::|$)", re.DOTALL)
_NAMED = re.compile(r"((?:[^=\\]|\\.)*)=(.*)", re.DOTALL)
_QUOTED = re.compile(r"\\(.)", re.DOTALL)


def clientEndpoint(
    reactor: ServerReactor, zone: str, text: str
) -> IStreamClientEndpoint:
    """
    What a string describes.

    @param zone: whose it is, for people.
    @raise BadOption: it can't be understood.
    """
    try:
        endpoint: IStreamClientEndpoint = _endpoints().clientFromString(reactor, text)
    except Exception as e:
        # Each kind of endpoint has a parser of its own, which may be anybody's, and
        # most only say what function of theirs does not take it.
        why = escaped(str(e).rpartition("() ")[2] or type(e).__name__)
        raise BadOption(f"zone '{zone}': --endpoint {text}: {why}") from None
    return endpoint


def unixEndpoint(reactor: ServerReactor, path: str) -> IStreamClientEndpoint:
    """
    A unix socket.
    """
    endpoint: IStreamClientEndpoint = _endpoints().UNIXClientEndpoint(reactor, path)
    return endpoint


def unixPath(description: str) -> str:
    r"""
    The path of C{unix:PATH} or C{unix:path=PATH}, with whatever follows; or C{""} for
    other endpoints.  A colon in it is written as C{\:}.
    """
    kind, *words = _WORD.findall(description)
    if kind.lower() != "unix":
        return ""
    for word in words:
        named = _NAMED.fullmatch(word)
        if named is None or named[1] == "path":
            return _QUOTED.sub(r"\1", word if named is None else named[2])
    return ""


def _endpoints() -> Any:
    """
    Twisted's endpoints, which take the names of passed sockets out of the environment
    when they are loaded: they are left there, for the server to find them.
    """
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    from twisted.internet import endpoints

    os.environ.update(passed)
    return endpoints
