"""
A connection to the control door.
"""

from __future__ import annotations

from typing import Any

from cuts import Source, cut
from twisted.internet.defer import succeed
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.logger import globalLogPublisher
from twisted.protocols.amp import parseString

from zcons_twisted.console import Console, OnHalt
from zcons_twisted.credentials import Credentials
from zcons_twisted.doors.commands import Boot, Detach, Event, Halt, Reboot, Status
from zcons_twisted.doors.control_protocol import ControlProtocol
from zcons_twisted.events import ZoneState
from zcons_twisted.history import HISTORY_MIN, History, historySize
from zcons_twisted.laps import Laps
from zcons_twisted.reloading import Outcome
from zcons_twisted.testing import (
    FakeReactor,
    MemoryDriver,
    MemoryLife,
    MemoryStates,
)

COMMANDS = (Status, Event, Boot, Halt, Reboot, Detach)


class Transport(StringTransportWithDisconnection):
    """
    A connection in memory.  As with a real one, its end comes in a turn of its own.
    """

    def __init__(self, reactor: FakeReactor) -> None:
        super().__init__()
        self._reactor = reactor
        self._over = False

    def loseConnection(self) -> None:
        """
        It is to be over.
        """
        if not self._over:
            self._over = True
            self._reactor.callLater(0, super().loseConnection)

    abortConnection = loseConnection


class Door:
    """
    All that a connection needs of the door.
    """

    began = 0.0

    def __init__(self) -> None:
        self.reactor = FakeReactor()
        states = MemoryStates(ZoneState.RUNNING)
        self.driver = MemoryDriver(states=states, life=MemoryLife())
        memory = memoryview(bytearray(historySize(HISTORY_MIN)))
        self.console = Console(
            "z",
            states,
            OnHalt.STAY,
            self.reactor.seconds,
            lambda: None,
            History(memory, HISTORY_MIN),
            self.reactor,
        )
        self.laps = Laps(self.reactor, self.driver, self.console)
        self.laps.begin()
        self.userNames = lambda uids: succeed({uid: "x" for uid in uids})
        self.reload = lambda: succeed(Outcome(problems=["x"]))
        self.there: set[ControlProtocol] = set()

    def opened(self, protocol: ControlProtocol) -> None:
        """
        A connection is there.
        """
        self.there.add(protocol)

    def heard(self, protocol: ControlProtocol) -> None:
        """
        It was not quiet.
        """

    def closed(self, protocol: ControlProtocol) -> None:
        """
        It has gone.
        """
        self.there.discard(protocol)


def stream(source: Source) -> bytes:
    """
    What the peer sends: boxes that are some, and bytes that are none.
    """
    parts = []
    for _ in range(source.number(8)):
        kind = source.number(len(COMMANDS) + 1)
        if kind == len(COMMANDS):
            parts.append(source.take(source.number(64)))
            continue
        box: dict[bytes, bytes] = {
            b"_ask": b"1",
            b"_command": COMMANDS[kind].commandName,
        }
        for _ in range(source.number(4)):
            key = (b"name", b"bootArguments", b"_ask", b"_command", b"_error")[
                source.number(5)
            ]
            box[key] = source.take(source.number(40))
        parts += [field(part) for pair in box.items() for part in pair]
        parts.append(b"\0\0")
    parts.append(source.rest())
    return b"".join(parts)


def field(data: bytes) -> bytes:
    """
    A key or a value.
    """
    return len(data).to_bytes(2, "big") + data


def consume(data: bytes) -> None:
    """
    Whatever comes is answered in boxes or ends the connection, one command is done at
    a time, no traceback gets into the log, and no control character from outside.
    """
    source = Source(data)
    where = source.number(256)
    door = Door()
    logged: list[dict[str, Any]] = []
    globalLogPublisher.addObserver(logged.append)
    transport = Transport(door.reactor)
    try:
        protocol = ControlProtocol(door, Credentials(9, 0, 0))
        transport.protocol = protocol
        protocol.makeConnection(transport)
        for piece in cut(stream(source), where):
            if not transport.connected:
                break
            protocol.dataReceived(piece)
            assert protocol.busy in (0, 1)
            door.reactor.advance(0)
        door.reactor.advance(200)
        assert not transport.connected and not door.there
    finally:
        globalLogPublisher.removeObserver(logged.append)
    parseString(transport.value())
    for event in logged:
        assert "log_failure" not in event, event["log_failure"].getTraceback()
        what = str(event.get("what", "")) + str(event.get("why", ""))
        assert what.isprintable(), what
    door.console.close()
    assert door.reactor.getDelayedCalls() == []
