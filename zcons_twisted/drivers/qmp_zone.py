# -*- test-case-name: zcons_twisted.test.test_qmp_zone -*-
"""
The life of a zone that is a virtual machine: what is to become of it is told to QEMU.

The machine is not ours: it is not booted when the server starts, and goes on when it
stops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import DeviceError, LifecycleError
from ..interfaces import (
    IAccountableLife,
    ILastingLife,
    IZoneEvents,
    IZoneReady,
    IZoneShutdown,
)
from .qmp_console import MachineLine
from .qmp_machine import ALIVE, Machine, Phase
from .waiters import ShutdownWaiters, Waiters

__all__ = ["CONSOLE_SECONDS", "QUIT_SECONDS", "QmpZone"]

#: Seconds that a boot waits for the console, without which nobody would hear of it.
CONSOLE_SECONDS = 5.0

#: Seconds for QEMU to end when it has been told to.
QUIT_SECONDS = 10.0

_NO_ARGUMENTS = "QEMU takes no boot arguments: see its -append"


@implementer(IAccountableLife, ILastingLife, IZoneReady, IZoneShutdown)
class QmpZone(Machine):
    """
    One virtual machine.

    @ivar grace: how many seconds it is given to power down.
    """

    def __init__(
        self,
        clock: IReactorTime,
        zone: str,
        events: IZoneEvents,
        grace: float,
        chardev: str = "",
    ) -> None:
        """
        @param clock: measures how long things take.
        @param events: is told of what happens.
        @param grace: how many seconds the machine is given to power down.
        @param chardev: what QEMU calls the console's character device, where that is
            not to be found out.
        """
        super().__init__(clock, zone, events, chardev)
        self.grace = grace
        self._halting = Waiters()
        self._booting = Waiters()
        self._readying = Waiters()
        self._goingDown = ShutdownWaiters(clock, _nothing)

    def disconnect(self) -> None:
        """
        Look after it no more.
        """
        super().disconnect()
        for waiters in (
            self._halting,
            self._booting,
            self._readying,
            self._goingDown,
        ):
            waiters.refuse("the server stops")

    def consoleOpened(self, peer: object, resumed: bool = False) -> None:
        """
        See L{Machine}.  Who waits for it to boot the machine waits no more.
        """
        super().consoleOpened(peer, resumed)
        self._stopTimer("boot")
        self._booting.answer("its console is connected")

    # As a life.

    def boot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife<zcons_twisted.interfaces.IZoneLife>}.  What the machine prints
        first is lost if the console is not connected by then, so it waits for that.
        """
        if arguments:
            return fail(LifecycleError(_NO_ARGUMENTS))
        if self._phase is Phase.RUNNING and not self._paused:
            return succeed("zone is already booted")
        done = self._whenHeard().addCallback(lambda _ignored: self._call("cont"))
        return done.addCallback(lambda _ignored: "zone booted")

    def halt(self) -> Deferred[str]:
        """
        See L{IZoneLife<zcons_twisted.interfaces.IZoneLife>}.
        """
        return self.haltFor("")

    def haltFor(self, who: str) -> Deferred[str]:
        """
        See L{IAccountableLife<zcons_twisted.interfaces.IAccountableLife>}.
        """
        if self._phase is Phase.DOWN:
            return succeed("zone is already halted")
        done = self._halting.wait()
        if self._phase is Phase.ENDING or len(self._halting) > 1:
            return done
        self._who = who
        if self._phase is Phase.READY or self._paused:
            # It would not hear of its power button.
            self._quit()
        else:
            self._startTimer("grace", self.grace, self._quit)
            self._call("system_powerdown").addErrback(self._haltFailed)
        return done

    def shutdown(self, reboot: bool = False, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneShutdown<zcons_twisted.interfaces.IZoneShutdown>}.  A machine that
        has powered down can be booted again where QEMU outlives it.
        """
        if arguments:
            return fail(LifecycleError(_NO_ARGUMENTS))
        if reboot and self._phase is Phase.DOWN:
            return fail(self._invalid("reboot", "boot it"))
        done = self._powerDown()
        return done.addCallback(lambda _ignored: self._bootAgain()) if reboot else done

    def _powerDown(self) -> Deferred[str]:
        if self._phase is Phase.DOWN:
            return succeed("zone is already halted")
        if self._phase is Phase.READY or self._paused:
            return fail(self._invalid("shutdown", "halt it"))
        done = self._goingDown.wait()
        if self._phase is not Phase.ENDING:
            self._goingDown.begin()
            asked = self._call("system_powerdown")
            asked.addErrback(self._notAsked)
        return done

    def _bootAgain(self) -> Deferred[str]:
        done = self.ready().addCallback(lambda _ignored: self.boot())
        return done.addCallbacks(lambda _ignored: "zone rebooted", _notAgain)

    def ready(self) -> Deferred[str]:
        """
        See L{IZoneReady<zcons_twisted.interfaces.IZoneReady>}.  A machine that runs is
        ended as by its reset button, and held before it begins anew.
        """
        if self._phase is Phase.READY:
            return succeed("zone is already ready")
        if self._phase is Phase.ENDING or self._halting:
            return fail(self._invalid("ready", "try again in a moment"))
        done = self._readying.wait()
        if len(self._readying) == 1:
            # QEMU may outlive its machine, which it has stopped then.
            asked = succeed(None) if self._phase is Phase.DOWN else self._call("stop")
            asked.addCallback(lambda _ignored: self._call("system_reset"))
            asked.addErrback(self._notReady)
        return done

    def reboot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife<zcons_twisted.interfaces.IZoneLife>}.
        """
        if arguments:
            return fail(LifecycleError(_NO_ARGUMENTS))
        if self._phase not in (Phase.RUNNING, Phase.POWERING_DOWN):
            hint = "boot it" if self._phase is not Phase.ENDING else ""
            return fail(self._invalid("reboot", hint))
        self._goingDown.refuse("zone was rebooted")
        done = self._call("system_reset")
        if self._paused:
            done.addCallback(lambda _ignored: self._call("cont"))
        return done.addCallback(lambda _ignored: "zone rebooted")

    def sendBreak(self, done: Callable[[], None]) -> None:
        """
        Send a break to the console.

        @param done: called when QEMU has sent it, or has not: what is typed afterwards
            goes another way, and would come first.
        @raise DeviceError: that can't be done now.
        """
        if not self._chardev.name:
            raise DeviceError(f"a break can't be sent: {self._chardev.why}")
        sent = self._call("chardev-send-break", id=self._chardev.name)
        failed: list[Failure] = []
        sent.addErrback(failed.append)
        if failed:
            raise DeviceError(failed[0].getErrorMessage())

        def answered(_ignored: object) -> None:
            self._tell(failed)
            done()

        sent.addCallback(answered)

    # Inside.

    def _whenHeard(self) -> Deferred[str]:
        """
        When the console is connected.  Where QEMU is not, that need not be waited for.
        """
        client, line = self._client, self._line
        if self._console.isOpen or client is None or not client.isReady or line is None:
            return succeed("nothing is waited for")
        heard = self._booting.wait()
        if len(self._booting) == 1:
            self._startTimer("boot", CONSOLE_SECONDS, lambda: self._unheard(line))
        line.openNow()
        return heard

    def _unheard(self, line: MachineLine) -> None:
        self._booting.refuse(
            f"zone is not booted: its console is not connected after"
            f" {CONSOLE_SECONDS:g} seconds: {line.whyNot()}"
        )

    def _invalid(self, what: str, hint: str = "") -> LifecycleError:
        state = self.state().label
        why = f"{what} operation is invalid for zones in state '{state}'"
        return LifecycleError(f"{why}: {hint}" if hint else why)

    def _quit(self) -> None:
        self._startTimer("grace", QUIT_SECONDS, self._doesNotEnd)
        # QEMU may end before it has answered.
        self._call("quit").addErrback(lambda failure: failure.trap(LifecycleError))

    def _doesNotEnd(self) -> None:
        self._who = ""
        self._halting.refuse(f"QEMU did not end in {QUIT_SECONDS:g} seconds")

    def _notAsked(self, failure: Failure) -> None:
        self._goingDown.refuse(failure.getErrorMessage())

    def _notReady(self, failure: Failure) -> None:
        self._readying.refuse(failure.getErrorMessage())

    def _isHeld(self) -> bool:
        return bool(self._readying)

    def _readied(self) -> None:
        super()._readied()
        self._goingDown.refuse("zone was made ready anew")
        self._readying.answer("zone ready")

    def _haltFailed(self, failure: Failure) -> None:
        if self._phase in ALIVE:
            self._stopTimer("grace")
            self._who = ""
            self._halting.refuse(failure.getErrorMessage())

    def _halted(self) -> None:
        super()._halted()
        self._readying.refuse("zone was halted")
        for waiters in (self._halting, self._goingDown):
            waiters.answer("zone halted")


def _notAgain(failure: Failure) -> NoReturn:
    failure.trap(LifecycleError)
    raise LifecycleError(
        f"zone halted, and is not booted again: {failure.getErrorMessage()}"
    )


def _nothing() -> None:
    """
    A machine that was asked to go down, and has not, runs on.
    """
