# -*- test-case-name: zcons_twisted.test.test_twistd_server -*-
"""
The server as C{twistd zconsole} runs it: with signals, with a configuration that can be
read anew, and with systemd if that is there.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, MutableMapping
from typing import cast

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import ILogObserver
from twisted.python.components import Componentized

from .config import ServerConfig
from .doors.listening import NO_SOCKETS, PassedSockets
from .errors import ZConsError
from .nexus.client import Nexus
from .outcomes import NO_FILE, Outcome
from .reactors import ServerReactor
from .reloading import Reloads
from .restarting import Restart
from .server import ConsoleServer
from .sources import ZoneSource
from .systemd.notify import Notifications, Notifier, watchdogSeconds

__all__ = ["TwistdServer"]


class TwistdServer(ConsoleServer):
    """
    A server that tells a person in one line why it does not start.

    With a configuration file, SIGHUP has that read anew.  Without one it stops the
    server, which so goes in good order when its terminal does; then it is SIGUSR2 that
    has sockets made again which somebody has removed.
    """

    def __init__(
        self,
        reactor: ServerReactor,
        source: ZoneSource,
        config: ServerConfig,
        limit: int,
        environ: MutableMapping[str, str] | None = None,
        observer: ILogObserver | None = None,
        nexus: bool = False,
        sockets: PassedSockets = NO_SOCKETS,
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        """
        @param source: where the zones come from.
        @param config: what it said when it was read.
        @param limit: how many files may be open.
        @param environ: the environment; that of the process, where L{None}.
        @param observer: gets the log, if twistd was not told where that goes.
        @param nexus: whether devices are to be kept by a nexus.
        @param sockets: those that were passed.
        @param settle: called whenever all zones are served, at the start and after
            each change.
        """
        self._source = source
        self._config = config
        self._limit = limit
        self._environ = os.environ if environ is None else environ
        self._observer = observer
        self._settle = settle
        self._reloads = Reloads(self._readAgain)
        pid = os.getpid()
        notifier = Notifier.fromEnvironment(self._environ)
        watchdog = watchdogSeconds(self._environ, pid)
        self._notifications: Notifications | None = None
        if notifier is not None:
            self._notifications = Notifications(
                reactor, notifier, self.account, watchdog
            )
        assert config.rundir is not None
        self._stop = _stopsOnce(reactor)
        super().__init__(
            reactor,
            config.zones,
            config.rundir,
            config.gid,
            self._stop,
            reload=self._reloads.ask,
            passed=sockets,
            nexus=Nexus(reactor, config.rundir.path) if nexus else None,
            onRestart=self._runAgain,
            signal="USR2" if source.file is None else "HUP",
        )
        self._again = Restart()

    def startNexus(self) -> None:
        """
        Start the nexus where zones need one, and wait for that.

        @raise ZConsError: it can't be started.
        """
        if self._nexus is not None and any(zone.usesNexus() for zone in self.zones()):
            self._nexus.startNow()

    def account(self) -> str:
        """
        How things stand, in a few words.
        """
        zones = self.zones()
        attached = sum(len(zone.console.sessions) for zone in zones if zone.running)
        return f"{len(zones)} zones, {attached} attached"

    def setServiceParent(self, parent: object) -> None:
        """
        Have our own log instead of twistd's: it looks for one when all services have
        been made.
        """
        if self._observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """
        See L{ConsoleServer}.

        @raise SystemExit: a zone can't be served; one line says why.
        """
        try:
            super().privilegedStartService()
        except ZConsError as e:
            raise SystemExit(f"twistd zconsole: {e}") from None

    def startService(self) -> None:
        """
        See L{ConsoleServer}.
        """
        super().startService()
        # Twisted sees to SIGINT and SIGTERM.  Where there is nothing to read anew,
        # nohup's wish is respected.
        if self._source.file is not None:
            signal.signal(signal.SIGHUP, self._hungUp)
        else:
            if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
                signal.signal(signal.SIGHUP, self._hungUp)
            if signal.getsignal(signal.SIGUSR2) is signal.SIG_DFL:
                signal.signal(signal.SIGUSR2, self._askedToMend)
        served = gatherResults([zone.whenServed() for zone in self.zones()])
        served.addCallback(lambda _all: self._ready())

    def stopService(self) -> Deferred[None]:
        """
        See L{ConsoleServer}.
        """
        notifications = self._notifications
        if notifications is not None and self.running:
            notifications.stopping()
            return super().stopService().addBoth(self._stopped, notifications)
        return super().stopService()

    def _stopped(self, result: None, notifications: Notifications) -> None:
        notifications.stopped()
        return result

    def _runAgain(self) -> None:
        self._again.atExit()
        self._stop()

    def _ready(self) -> None:
        if self.running:
            self._settle()
            if self._notifications is not None:
                self._notifications.ready()

    def _hungUp(self, number: int, frame: object) -> None:
        cast(IReactorFromThreads, self._reactor).callFromThread(self._heed)

    def _askedToMend(self, number: int, frame: object) -> None:
        cast(IReactorFromThreads, self._reactor).callFromThread(self._reload)

    def _heed(self) -> None:
        if self._source.file is None:
            self._stop()
        else:
            self._reload()

    def _reload(self) -> None:
        if self.running:
            # Whatever comes of it is in the log.
            self._reloads.ask().addErrback(lambda failure: None)

    def _readAgain(self) -> Deferred[Outcome]:
        return Deferred.fromCoroutine(self._change())

    async def _change(self) -> Outcome:
        if self._source.file is None:
            return await self._mend()
        if self._notifications is not None:
            self._notifications.reloading()
        try:
            config = self._source.readAgain(
                self._reactor, self._environ, self._limit, self._config
            )
            return await self.change(config.zones)
        except ZConsError:
            # Nothing is changed, but what is served is to be found.
            await self._changeNothing()
            raise
        finally:
            self._ready()

    async def _mend(self) -> Outcome:
        """
        There is nothing to be read; but sockets may be missing.
        """
        outcome = await self._changeNothing()
        if not (outcome.mended or outcome.nexus or outcome.problems):
            raise ZConsError(NO_FILE)
        return outcome

    def _changeNothing(self) -> Deferred[Outcome]:
        return self.change([zone.config for zone in self.zones()])


def _stopsOnce(reactor: ServerReactor) -> Callable[[], None]:
    """
    Have a reactor take it for nothing to be stopped when it has been.  A signal may
    come when the last zone's end has just ended the server, or a second time; nobody is
    to read a traceback of that.

    @return: stops it.
    """
    stop = reactor.stop

    def stopsOnce() -> None:
        with contextlib.suppress(ReactorNotRunning):
            stop()

    # Twisted's own signal handlers call it, too.
    reactor.stop = stopsOnce  # type: ignore[method-assign]
    return stopsOnce
