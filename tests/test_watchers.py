"""
Watchers beside an operator: any number of them, none of whom holds anybody up.
"""

from __future__ import annotations

import os

import pytest_twisted
from conftest import Twistd
from structured_peer import structured, text
from support import together

from zcons_twisted.credentials import Credentials
from zcons_twisted.doors.commands import Event, Status
from zcons_twisted.frames import FrameType

MIB = 1024 * 1024


@pytest_twisted.ensureDeferred
async def test_manyWatchers(server: Twistd) -> None:
    """
    A hundred watchers and the operator get every byte that the zone prints, and what
    the operator types arrives meanwhile.
    """
    zone = await server.zoneSide()
    operator = await server.attach()
    watchers = [await structured(server, role="watch") for _ in range(100)]
    zone.begin("number", 0, MIB)
    got, *_ = await together(
        operator.exactly(MIB), *(watcher.to(MIB) for watcher in watchers)
    )
    assert got == text(0, MIB)
    assert await zone.done() == MIB
    assert [watcher.gaps for watcher in watchers] == [[]] * 100
    await operator.send(b"typed")
    assert await zone.reads(5) == b"typed"
    status = await server.ask(Status)
    assert (len(status["operator"]), len(status["watchers"])) == (1, 100)


@pytest_twisted.ensureDeferred
async def test_frozenWatchers(server: Twistd) -> None:
    """
    Watchers that read nothing hold nobody up: the operator gets every byte, and so
    does a watcher that reads.  When they read again they get what is kept, behind a
    gap of exactly what is not.
    """
    size = 4 * MIB
    zone = await server.zoneSide()
    operator = await server.attach()
    frozen = [await structured(server, role="watch") for _ in range(5)]
    watcher = await structured(server, role="watch")
    for at in range(0, size, MIB):
        zone.begin("number", at, MIB)
        got, _ = await together(operator.exactly(MIB), watcher.to(at + MIB))
        assert got == text(at, at + MIB)
        await zone.done()
    assert watcher.gaps == []
    for each in frozen:
        await each.to(size)
        assert len(each.gaps) == 1
        (_, missing), *_ = each.gaps
        assert 0 < missing < size - MIB + 1
    status = await server.ask(Status)
    assert status["operator"][0]["stalled"] is False


@pytest_twisted.ensureDeferred
async def test_takeover(server: Twistd) -> None:
    """
    The seat is taken over from whoever has it: the loser's session ends and it is
    told by whom, the watchers learn who has it, and nothing typed is lost.
    """
    zone = await server.zoneSide()
    first = await server.attach()
    watcher = await structured(server, role="watch")
    await first.send(b"one ")
    second = await structured(server, role="take")
    told = Credentials(os.getpid(), os.geteuid(), os.getegid())
    notice = f"\r\n[NOTICE: Console taken over by {told}]\r\n".encode()
    assert await first.rest() == notice
    await second.say(FrameType.INPUT, b"two ")
    third = await structured(server, role="take")
    end = await second.told(FrameType.END)
    assert end["reason"] == "taken-over"
    assert "taken over by process" in end["text"]
    await third.say(FrameType.INPUT, b"three")
    assert await zone.reads(13) == b"one two three"
    refused = await structured(server)
    assert (refused.answer["ok"], refused.answer["reason"]) == (False, "busy")
    assert (await watcher.told(FrameType.OPERATOR))["role"] == "watch"
    await watcher.say(FrameType.SEAT, want="take")
    assert (await watcher.told(FrameType.ANSWER))["ok"]
    ended = (await server.ask(Status))["ended"]
    assert [each["reason"] for each in ended] == ["taken-over"] * 3


@pytest_twisted.ensureDeferred
async def test_halfClose(server: Twistd) -> None:
    """
    Sessions of both kinds that close their sending side go on as watchers, and the
    seat is free.
    """
    zone = await server.zoneSide()
    operator = await structured(server)
    await operator.say(FrameType.INPUT, b"uname\n")
    operator.peer.halfClose()
    assert await zone.reads(6) == b"uname\n"
    while (await operator.told(FrameType.OPERATOR))["role"] != "watch":
        pass
    script = await server.attach()
    await script.send(b"uptime\n")
    script.halfClose()
    assert await zone.reads(7) == b"uptime\n"
    await server.attach()
    await zone.do("number", 0, 1600)
    await operator.to(1600)
    assert await script.exactly(1600) == text(0, 1600)
    await server.ask(Event, name="readied")
    assert (await operator.told(FrameType.NOTICE))["event"] == "readied"
    await script.expect(b"\r\n[NOTICE: Zone readied]\r\n")
