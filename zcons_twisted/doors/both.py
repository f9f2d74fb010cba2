# -*- test-case-name: zcons_twisted.test.test_service -*-
"""
Both doors of one console, and the laps behind them.

They are opened in this order: the device, the console socket, the control socket.  So
whoever finds the control door open finds a console that is served.
"""

from __future__ import annotations

from twisted.logger import Logger

from ..console import Console
from ..credentials import Admission
from ..interfaces import IConsoleDriver
from ..laps import Laps
from ..reactors import ServerReactor
from ..rundir import RunDirectory
from ..server_parts import ServerParts
from ..standing import standing
from .console_socket import ConsoleSocket
from .control_socket import ControlSocket

__all__ = ["BothDoors"]


class BothDoors:
    """
    The doors of one console; closed at first.

    @ivar areOpen: both are, and the console is served.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: ServerReactor,
        console: Console,
        driver: IConsoleDriver,
        admission: Admission,
        parts: ServerParts,
    ) -> None:
        """
        @param reactor: the one that everything runs in.
        @param console: whose doors they are.
        @param driver: opens its device.
        @param admission: who may come in.
        @param parts: what it shares with others.
        """
        self.areOpen = False
        self._console = console
        self._driver = driver
        self._laps = Laps(reactor, driver, console, parts.urgency)
        self._passed = parts.passed
        self._consoleSocket: ConsoleSocket | None = ConsoleSocket(
            reactor,
            console,
            admission,
            parts.handshakes,
            parts.urgency,
            standing=self._standing,
        )
        self._controlSocket: ControlSocket | None = ControlSocket(
            reactor,
            console,
            driver,
            self._laps,
            admission,
            reload=parts.reload,
            restart=parts.restart,
        )

    def open(self, rundir: RunDirectory, zone: str) -> None:
        """
        Begin to serve.

        @param rundir: where the sockets are.
        @raise ZConsError: a socket can't be made; L{end} is to be called all the same.
        """
        assert self._consoleSocket is not None and self._controlSocket is not None
        self._laps.begin()
        self._consoleSocket.start(rundir.consoleSocket(zone), self._passed)
        self._controlSocket.start(rundir.controlSocket(zone), self._passed)
        self.areOpen = True

    def mend(self) -> bool:
        """
        Make the sockets again that somebody has removed.

        @return: whether there was one.
        @raise ZConsError: one can't be made.
        """
        found = False
        for door in (self._consoleSocket, self._controlSocket):
            if self.areOpen and door is not None and door.mend():
                found = True
        if found:
            self._log.warn(
                "{zone}: somebody has removed its sockets: they are made again",
                zone=self._console.zone,
            )
        return found

    def _standing(self) -> str:
        console = self._console
        return standing(
            console.zone, console.presence, self._driver.life, self._laps.deviceState
        )

    async def closeControl(self) -> None:
        """
        Close the control door.  Harmless to say twice.
        """
        self.areOpen = False
        if self._controlSocket is not None:
            await self._controlSocket.stop()
            self._controlSocket = None

    async def closeConsole(self) -> None:
        """
        End the sessions, and seat nobody any more.  Harmless to say twice.
        """
        if self._consoleSocket is not None:
            await self._consoleSocket.stop("the server stops")
            self._consoleSocket = None

    def end(self) -> None:
        """
        Let go of the device, and close what is still open without waiting for it.
        """
        self.areOpen = False
        self._laps.end()
        if self._controlSocket is not None:
            self._controlSocket.stop()
        if self._consoleSocket is not None:
            self._consoleSocket.stop("the server stops")
        self._controlSocket = self._consoleSocket = None
