# -*- test-case-name: zcons_twisted.test.test_oci_life -*-
"""
The life of a zone that is a container: as that of a command, and it can be ready, which
is to say made and not begun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from ..drivers.phases import After, Phase
from ..drivers.spawning import Facts
from ..drivers.sweep import ZoneDevice
from ..drivers.verdict import ofContainer
from ..drivers.waiters import Waiters
from ..drivers.zone_process import ZoneProcess
from ..errors import LifecycleError
from ..events import ZoneEvent
from ..interfaces import DriverOptions, IZoneEvents, IZoneReady
from ..notices import escaped
from ..reactors import ProcessReactor
from .ending import ContainerEnd

__all__ = ["ContainerLife"]


@implementer(IZoneReady)
class ContainerLife(ZoneProcess):
    """
    One zone's container.
    """

    def __init__(
        self,
        reactor: ProcessReactor,
        zone: str,
        options: DriverOptions,
        device: ZoneDevice,
        events: IZoneEvents,
        environ: Mapping[str, str],
        end: ContainerEnd,
        ready: Sequence[str],
    ) -> None:
        """
        @param end: tells the shim what is to become of the container.
        @param ready: the words of the shim that waits before it lets one begin; that of
            C{options} does not.
        """
        super().__init__(
            reactor, zone, options, device, events, environ, end, read=ofContainer
        )
        self._shim = end
        self._readyWords = ready
        self._readying = Waiters()
        #: The shim is one that waits, and is not to let the container begin yet.
        self._held = False
        #: The container is there.
        self._made = False
        #: The zone was not down when it was to be made ready.
        self._wasUp = False

    # As a life.

    def ready(self) -> Deferred[str]:
        """
        See L{IZoneReady}.
        """
        if self._phase is Phase.ENDING:
            return fail(LifecycleError("zone is shutting down: try again in a moment"))
        if self._phase is Phase.STARTING and (self._made or not self._held):
            return succeed("zone is already ready")
        done = self._readying.wait()
        if self._phase is Phase.RUNNING:
            self._shutdown.refuse("zone was made ready anew")
            self._end(After.READY)
        elif self._phase is not Phase.STARTING:
            self._hold(wasUp=self._phase is Phase.WAITING)
        return done

    def boot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife<zcons_twisted.interfaces.IZoneLife>}.
        """
        if not self._isHeld():
            return super().boot(arguments)
        if arguments:
            return fail(
                LifecycleError(
                    "a container that is ready takes no boot arguments any more: halt"
                    " it first"
                )
            )
        if not self._made:
            return self._readying.wait().addCallback(lambda _ignored: self.boot())
        self._held = False
        self.spawner.note(self._standing())
        self._events.event(ZoneEvent.BOOTING, "")
        self._shim.let()
        return super().boot()

    def reboot(self, arguments: str = "") -> Deferred[str]:
        """
        See L{IZoneLife<zcons_twisted.interfaces.IZoneLife>}.
        """
        if self._isHeld():
            return fail(
                LifecycleError(
                    "reboot operation is invalid for zones in state 'ready': boot it"
                )
            )
        return super().reboot(arguments)

    # Over a server's end.

    def found(self, facts: Facts, note: str) -> None:
        """
        See L{ZoneProcess}.
        """
        super().found(facts, note)
        if self._phase is Phase.STARTING and note == After.READY.value:
            self._held = self._made = True

    def _goOn(self, after: After | None) -> None:
        super()._goOn(after)
        if after is After.READY and self._phase is Phase.RUNNING:
            self._end(after)

    # What the shim tells.

    def created(self) -> None:
        """
        The container is there.
        """
        if self._phase is Phase.STARTING:
            self._made = True
            self._events.event(ZoneEvent.READIED, "")
            self._readying.answer("zone ready")

    def beginFailed(self, why: str) -> None:
        """
        See L{ProcessEars<zcons_twisted.drivers.spawning.ProcessEars>}.
        """
        if not self._isHeld():
            super().beginFailed(why)
            return
        why = escaped(why)
        self._account.failed(why, "not ready")
        self._log.error("{zone}: not ready: {why}", zone=self._zone, why=why)
        self._readying.refuse(f"zone is not ready: {why}")
        self._end(After.NOT_READY)

    # Inside.

    def _isHeld(self) -> bool:
        return self._held and self._phase is Phase.STARTING

    def _hold(self, wasUp: bool) -> None:
        self._wasUp = wasUp
        self._held = True
        self._start("")

    def _start(self, arguments: str) -> None:
        self._made = False
        super()._start(arguments)

    def _words(self) -> Sequence[str]:
        return self._readyWords if self._held else super()._words()

    def _standing(self) -> str:
        return After.READY.value if self._held else ""

    def _staysDown(self) -> bool:
        return self._held or super()._staysDown()

    def _finish(self) -> None:
        self._held = False
        if self._after is After.READY:
            self._lifeEnded()
            self._hold(wasUp=True)
        elif self._after is After.NOT_READY:
            self._lifeEnded()
            self._phase = Phase.DOWN
            self._events.event(ZoneEvent.HALTED if self._wasUp else ZoneEvent.NULL, "")
        else:
            super()._finish()

    def _halted(self) -> None:
        self._readying.refuse("zone was halted")
        super()._halted()
