"""
C{^C} gets through to a zone that floods its console.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Awaitable, Callable

import pytest
import pytest_twisted
from conftest import Twistd
from structured_peer import Structured
from support import Peer
from twisted.internet import reactor

from zcons_twisted.frames import FrameType

Launch = Callable[..., Awaitable[Twistd]]

MIB = 1024 * 1024

#: How often it is tried.
TIMES = 50

#: How much a zone may have printed between the key and the prompt, in more than half
#: of the tries: several times what can be on its way, in the pty and the connection.
#: Whoever has the key wait behind the output takes far more, for a flood prints that
#: much in a tenth of a second; but a machine that is busy with something else does not.
MOST = 2 * MIB

FLOODS = {
    "yes": b"yes 0123456789012345678901234567890123456789012345678901234567890",
    "dd": b"dd if=/dev/zero bs=64k status=none | tr '\\0' x",
}


class Legacy:
    """
    An operator with a legacy session, who counts what comes.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.end = b""
        self.count = 0

    async def types(self, data: bytes) -> None:
        """
        Type.
        """
        await self.peer.send(data)

    def look(self) -> None:
        """
        Take what has come, and keep its end.
        """
        self.count += len(self.peer.held)
        self.end = (self.end + self.peer.held)[-200:]
        self.peer.held = b""

    async def prompted(self, number: int) -> None:
        """
        Read up to a prompt.
        """
        prompt = re.compile(rb"<%d>" % number)
        while True:
            self.look()
            if prompt.search(self.end):
                return
            assert await self.peer.more()

    async def flooded(self, size: int) -> None:
        """
        Read so much.
        """
        until = self.count + size
        while self.count < until:
            assert await self.peer.more()
            self.look()


class Framed(Legacy):
    """
    The same with a structured session.
    """

    def __init__(self, session: Structured) -> None:
        super().__init__(session.peer)
        self.session = session

    async def types(self, data: bytes) -> None:
        """
        Type.
        """
        await self.session.say(FrameType.INPUT, data)

    def look(self) -> None:
        """
        Take the output of what has come.
        """
        for _, data in self.session.take():
            self.count += len(data)
            self.end = (self.end + data)[-200:]
        assert self.session.gaps == []


async def sits(server: Twistd, kind: str) -> Legacy:
    """
    An operator.
    """
    if kind == "legacy":
        return Legacy(await server.attach())
    return Framed(await Structured(await server.connect()).attach())


@pytest.mark.parametrize(("kind", "flood"), [("legacy", "yes"), ("structured", "dd")])
@pytest_twisted.ensureDeferred
async def test_interrupt(launch: Launch, kind: str, flood: str) -> None:
    """
    A shell whose command floods the console gets C{^C} before it has printed much more,
    in more than half of fifty tries and never so late that it is a matter of seconds;
    nothing is missing in between.
    """
    shell = shutil.which("bash")
    assert shell is not None
    words = f"{shell} --norc --noprofile"
    server = await launch("--zone", "z1", "--exec", words)
    operator = await sits(server, kind)
    # The prompt counts, so that none is taken for another one.
    await operator.types(b"bind 'set enable-bracketed-paste off'; N=0\n")
    await operator.types(b"PS1='<$((N++))>'\n")
    await operator.prompted(0)
    amounts: list[int] = []
    times: list[float] = []
    for number in range(1, TIMES + 1):
        await operator.types(FLOODS[flood] + b"\n")
        await operator.flooded(MIB)
        before, began = operator.count, reactor.seconds()
        await operator.types(b"\x03")
        await operator.prompted(number)
        amounts.append(operator.count - before)
        times.append(reactor.seconds() - began)
    amounts.sort()
    times.sort()
    middle = TIMES // 2
    print(
        f"{kind}, {flood}: ^C after {times[middle] * 1000:.1f} ms and"
        f" {amounts[middle] / MIB:.2f} MiB, at most {times[-1] * 1000:.1f} ms and"
        f" {amounts[-1] / MIB:.2f} MiB"
    )
    assert amounts[middle] < MOST
    assert amounts[-1] < 10 * MOST
