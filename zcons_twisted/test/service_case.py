# -*- test-case-name: zcons_twisted.test.test_service -*-
"""
Services in a run directory of their own, with drivers in memory or real ptys.
"""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from .. import service
from ..console import OnHalt
from ..interfaces import DriverOptions
from ..rundir import RunDirectory
from ..server import ConsoleServer
from ..server_parts import ServerParts
from ..service import ZoneConsoleService
from ..testing import FakeReactor, MemoryDriver, MemoryDriverMaker
from ..zone_config import ZoneConfig
from .support import shortDirectory


class ServiceTestCase(SynchronousTestCase):
    """
    A run directory, and services in it.
    """

    def setUp(self) -> None:
        """
        The directory is not there yet.
        """
        self.reactor = FakeReactor()
        self.rundir = RunDirectory(os.path.join(shortDirectory(self), "zones"))
        self.deaths: list[ZoneConsoleService] = []

    def useMemory(self) -> MemoryDriver:
        """
        Have drivers in memory.

        @return: the one that every zone gets.
        """
        driver = MemoryDriver()
        self.maker = MemoryDriverMaker(driver)
        self.patch(service, "findDriverMaker", lambda name: self.maker)
        return driver

    def zone(
        self,
        config: ZoneConfig | None = None,
        onDeath: bool = True,
    ) -> ZoneConsoleService:
        """
        The service of a zone, stopped when the test is over.
        """
        made = ZoneConsoleService(
            self.reactor,
            config or ZoneConfig("z"),
            self.rundir,
            onDeath=self.deaths.append if onDeath else None,
            parts=ServerParts.make(self.reactor, now=self.reactor.seconds),
        )
        self.addCleanup(self.stop, made)
        return made

    def command(
        self, name: str = "z", onHalt: OnHalt = OnHalt.STAY, respawn: str = "never"
    ) -> ZoneConfig:
        """
        A zone that is a command.
        """
        return ZoneConfig(name, "exec", DriverOptions(("cat",), respawn), onHalt)

    def stop(self, made: ZoneConsoleService | ConsoleServer) -> None:
        """
        Stop a service, whatever its peers and its zone do.
        """
        stopped = made.stopService()
        self.endProcesses()
        for _ in range(6):
            self.reactor.settle()
            self.reactor.advance(1)
        self.successResultOf(stopped)

    def endProcesses(self) -> None:
        """
        Every process that was started has ended.
        """
        for process in self.reactor.processes:
            process.ends()
        self.reactor.processes.clear()
        self.reactor.pump([0.02] * 3)

    def attach(self, zone: str = "z") -> socket.socket:
        """
        Somebody attaches.
        """
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.connect(self.rundir.consoleSocket(zone))
        peer.setblocking(False)
        peer.send(b"IDENT 7 C 0\n")
        self.reactor.settle()
        self.assertEqual(peer.recv(100), b"OK\n")
        return peer

    def files(self) -> list[str]:
        """
        @return: what is in the run directory.
        """
        return sorted(os.listdir(self.rundir.path))

    def assertReleased(self) -> None:
        """
        Nothing is left of any service but what its zones have printed.
        """
        left = [name for name in self.files() if not name.endswith(".history")]
        self.assertEqual(left, [])
        self.assertEqual(self.reactor.removeAll(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
