# -*- test-case-name: zcons_twisted.test.test_oci_driver -*-
"""
The oci driver: a pty, and a container that runs on it as the zone.

The zone's process is a L{shim<zcons_twisted.oci.shim>}, which the nexus runs where
there is one.  Whose pty it is depends on C{--console}:

 - C{own}: the nexus' pair, the same for all lives, which the container has as
   C{/dev/console}.
 - C{runtime}: one that the runtime makes for each life.  Its manager is handed to the
   nexus, in the place of the last one, before the container begins.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from zope.interface import implementer

from ..drivers.execute import ExecDriver
from ..drivers.spawning import LocalSpawner
from ..drivers.zone_process import ZoneProcess
from ..errors import BadOption
from ..interfaces import DriverOptions, IConsoleDriver, IZoneEvents
from ..nexus.pair import PtyInstance, takeUnread
from ..notices import escaped
from ..reactors import ServerReactor
from ..rundir import RunDirectory
from . import shim
from .config import CONSOLE, BadBundle, readConfig, wantsTerminal
from .ending import ContainerEnd
from .hearing import Hearing
from .life import ContainerLife
from .terminal import BadTerminal, checkManager

__all__ = ["CONSOLES", "RUNTIMES", "OciDriver", "findRuntime", "makeDriver"]

#: Whose pty may be a container's console.
CONSOLES = ("own", "runtime")

#: The runtimes that are looked for where none is named.
RUNTIMES = ("crun", "runc")


@implementer(IConsoleDriver)
class OciDriver(ExecDriver):
    """
    The console device of a zone that is a container.
    """

    _log = Logger()

    kind = "oci"
    leads = False

    def __init__(
        self,
        reactor: ServerReactor,
        zone: str,
        rundir: RunDirectory,
        options: DriverOptions,
        events: IZoneEvents,
        environ: Mapping[str, str],
    ) -> None:
        """
        @param options: the bundle, the runtime's words, the container's ID and whose
            pty is its console; none of them empty.
        @param environ: the runtime's environment.
        """
        self._home = os.path.join(os.path.abspath(rundir.path), "oci", zone)
        self._container = options.container
        self._spec = json.dumps(
            {
                "home": self._home,
                "container": options.container,
                "bundle": options.bundle,
                "runtime": list(options.runtime),
                "console": options.console,
            }
        )
        program = [sys.executable, "-IS", shim.__file__]
        self._clean = [*program, "clean", self._spec]
        self._ready = [*program, "ready", self._spec]
        self._toldEnd: tuple[object, int] | None = None
        command = dataclasses.replace(options, command=(*program, "life", self._spec))
        super().__init__(reactor, zone, rundir, command, events, environ)
        self._command = command.command
        self.adjust = self._adjust
        self._hearing = Hearing(reactor, zone, self._home, self._heard)

    def makeProcess(
        self,
        reactor: ServerReactor,
        options: DriverOptions,
        events: IZoneEvents,
        environ: Mapping[str, str],
    ) -> ZoneProcess:
        """
        A shim.
        """
        end = ContainerEnd(reactor, self.zone, self, self._home, self._clean)
        self._life = ContainerLife(
            reactor, self.zone, options, self, events, environ, end, self._ready
        )
        self._life.spawner = LocalSpawner(reactor, self, self.leads)
        return self._life

    def _adjust(self, options: DriverOptions) -> None:
        self._process.adjust(dataclasses.replace(options, command=self._command))

    async def makeLinks(self) -> None:
        """
        Also, hear what the shim tells.
        """
        os.makedirs(self._home, 0o700, exist_ok=True)
        self._hearing.begin()
        await super().makeLinks()
        if self.pair is not None:
            inside = f"{CONSOLE} of container {self._container}"
            self.path = self._link.path if self.pair.subsidiary else inside

    async def _destroy(self) -> tuple[int, int]:
        try:
            return await super()._destroy()
        finally:
            self._hearing.end()
            self._removeHome()

    async def _leave(self, typed: bytes) -> None:
        self._hearing.end()
        await super()._leave(typed)

    def _removeHome(self) -> None:
        for path in (self._home, os.path.dirname(self._home)):
            try:
                os.rmdir(path)
            except OSError:
                # Other zones have theirs beside it; what a life has left is removed by
                # the next one.
                return

    # What the shim tells.

    def _heard(self, said: dict[str, Any], fd: int) -> Deferred[None]:
        if "told" in said:
            self._log.warn(
                "{zone}: {text}", zone=self.zone, text=escaped(str(said["told"]))
            )
        if isinstance(status := said.get("ended"), int):
            self._toldEnd = (said.get("pid"), status)
        if "created" not in said:
            if fd != -1:
                os.close(fd)
            return succeed(None)
        done = maybeDeferred(self._adopt, fd) if fd != -1 else succeed(None)
        return done.addCallback(lambda _ignored: self._life.created())

    def ended(self, pid: int, code: int | None, number: int | None) -> None:
        """
        A nexus that is not the shim's parent can't tell how it has ended; then the
        shim has told that itself.
        """
        if code is None and number is None and self._toldEnd is not None:
            who, status = self._toldEnd
            if who == pid and os.WIFSIGNALED(status):
                number = os.WTERMSIG(status)
            elif who == pid:
                code = os.WEXITSTATUS(status)
        super().ended(pid, code, number)

    def _adopt(self, fd: int) -> Deferred[None]:
        try:
            checkManager(fd)
        except BadTerminal as e:
            os.close(fd)
            raise OSError(str(e)) from None
        return self._alone(self._exchange(fd))

    async def _exchange(self, master: int) -> None:
        """
        Have the runtime's pair in the place of the one before; the window's size stays,
        and nothing is lost.
        """
        try:
            pair = PtyInstance(self.zone, master)
        except OSError:
            os.close(master)
            raise
        if self.pair is None:
            pair.close()
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        before = self.openSubsidiary()
        try:
            old, self.pair = self.pair, pair
            pair.copyWindow(old)
            await self._pairs.remove(old)
            await self._pairs.adopt(pair, {})
            await self.makeLinks()
            self.hold()
            self._goOn(pair, before)
        finally:
            os.close(before)

    def _goOn(self, pair: PtyInstance, before: int) -> None:
        """
        From one pair to the next: what was printed on the old one and what nobody has
        read of what was typed there is not lost.

        @param before: the old one's subsidiary.
        """
        self.drain()
        typed = takeUnread(before)
        try:
            taken = os.write(pair.master, typed)
        except OSError:
            taken = 0
        if taken < len(typed):
            self._log.warn(
                "{zone}: {count} bytes that were typed before are lost",
                zone=self.zone,
                count=len(typed) - taken,
            )
        if self._manager is not None:
            self._manager.exchange(os.dup(pair.master))


def findRuntime(words: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """
    The runtime that is to be used.

    @param words: the one that is named, with its options; the first of L{RUNTIMES}
        that is there, where there are none.
    @param environ: has the path where it is looked for.
    @raise BadOption: there is none.
    """
    for name in words[:1] or RUNTIMES:
        found = shutil.which(name, path=environ.get("PATH"))
        if found is not None:
            return (os.path.abspath(found), *words[1:])
    missing = f"{words[0]} is not" if words else f"neither {' nor '.join(RUNTIMES)} is"
    raise BadOption(
        f"no OCI runtime: {missing} installed; install one, or name it with --runtime"
    )


def makeDriver(
    reactor: ServerReactor,
    zone: str,
    rundir: RunDirectory,
    options: DriverOptions,
    events: IZoneEvents,
) -> IConsoleDriver:
    """
    An oci driver with the server's own environment for its runtime.

    @raise BadOption: there is no bundle or no runtime.
    """
    if not options.bundle:
        raise BadOption(f"zone '{zone}': the oci driver needs --oci BUNDLE")
    bundle = os.path.abspath(options.bundle)
    try:
        config = readConfig(bundle)
        runtime = findRuntime(options.runtime, os.environ)
    except (BadBundle, BadOption) as e:
        raise BadOption(f"zone '{zone}': {escaped(str(e))}") from None
    chosen = dataclasses.replace(
        options,
        bundle=bundle,
        runtime=runtime,
        container=options.container or zone,
        console=options.console or ("runtime" if wantsTerminal(config) else "own"),
    )
    return OciDriver(reactor, zone, rundir, chosen, events, os.environ)
