# -*- test-case-name: zcons_twisted.test.test_endpoint_keeping -*-
"""
A nexus in the process of a test: what it is asked is answered at once.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.protocols.amp import Command, Descriptor, Integer
from twisted.trial.unittest import SynchronousTestCase

from ..nexus.commands import NexusFault, Remember
from ..nexus.door import SOCKET_NAME, Door
from ..nexus.holder import Holder
from ..nexus.link import NexusEars
from ..nexus.notify import Notifier
from .support import shortDirectory
from .test_nexus_holder import Server


class DirectNexus:
    """
    A nexus as one server after the other has it.

    @ivar pid: its process, 0 while nobody is connected to it.
    @ivar ears: who hears of it, by zone.
    @ivar calls: the commands that were given.
    @ivar failures: what is raised by the next commands of a name.
    """

    def __init__(self, case: SynchronousTestCase) -> None:
        self.pid = 4242
        self.ears: dict[str, NexusEars] = {}
        self.calls: list[str] = []
        self.failures: dict[str, list[Exception]] = {}
        self._case = case
        self.begin()

    def begin(self) -> None:
        """
        Be there anew, holding nothing.
        """
        rundir = shortDirectory(self._case)
        door = Door.open(rundir)
        assert door is not None
        self.holder = Holder(door, Notifier(None), (64, 64))
        self._path = os.path.join(rundir, SOCKET_NAME)
        self._server = Server(self.holder, self._path)
        self._case.addCleanup(self._server.link.close)
        self._case.addCleanup(door._listening.close)
        self._case.addCleanup(self.forgetAll)

    def nextServer(self) -> None:
        """
        The server that was connected is gone, and the next one is there.
        """
        self._server.link.close()
        self.holder.turn(0)
        self._server = Server(self.holder, self._path)
        self._case.addCleanup(self._server.link.close)
        self.ears.clear()
        self.calls.clear()

    def forgetAll(self) -> None:
        """
        It ends, and what it held with it.
        """
        for held in list(self.holder._instances):
            self.holder._instances.remove(held)

    def held(self, zone: str = "z") -> int:
        """
        @return: how many instances of a zone it holds.
        """
        return len(self.holder._instances.of(zone))

    # As a nexus.

    def listen(self, zone: str, ears: NexusEars) -> None:
        """
        See L{Nexus<zcons_twisted.nexus.client.Nexus>}.
        """
        self.ears[zone] = ears

    def listenNoMore(self, zone: str) -> None:
        """
        See L{Nexus<zcons_twisted.nexus.client.Nexus>}.
        """
        self.ears.pop(zone, None)

    def remember(self, zone: str, text: str) -> None:
        """
        See L{Nexus<zcons_twisted.nexus.client.Nexus>}.
        """
        self._ask(Remember, {"zone": zone, "text": text})

    async def call(self, command: type[Command], **arguments: Any) -> dict[str, Any]:
        """
        See L{Nexus<zcons_twisted.nexus.client.Nexus>}.
        """
        name = command.__name__
        self.calls.append(name)
        if self.failures.get(name):
            raise self.failures[name].pop(0)
        return self._ask(command, arguments)

    def _ask(self, command: type[Command], given: dict[str, Any]) -> dict[str, Any]:
        sent = {}
        for key, argument in command.arguments:
            value = given.get(key.decode())
            if value is not None and isinstance(argument, Descriptor):
                sent[key.decode()] = self._server.link.give(value).decode()
            elif value is not None:
                sent[key.decode()] = str(value)
        zone = sent.pop("zone")
        answer = self._server.ask(command.__name__, zone, **sent)
        if "_error" in answer:
            raise NexusFault(answer["_error_description"].decode())
        found: dict[str, Any] = {}
        for key, argument in command.response:
            value = answer.get(key.decode())
            if value is None:
                found[key.decode()] = None
            elif isinstance(argument, Descriptor):
                found[key.decode()] = self._server.link.descriptor(value)
            elif isinstance(argument, Integer):
                found[key.decode()] = int(value)
            else:
                found[key.decode()] = value.decode()
        return found
