# -*- test-case-name: zcons_twisted.test.test_control_commands -*-
"""
What a connection to the control door can have done.

Who the peer is comes from the kernel, and is logged with what it had done.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from ..events import ZoneEvent
from ..outcomes import NO_FILE, Outcome
from .commands import (
    Boot,
    Break,
    Detach,
    Event,
    Halt,
    Ready,
    Reboot,
    Refused,
    Reload,
    Restart,
    Shutdown,
    Status,
)
from .control_door import (
    checked,
    detach,
    eventNamed,
    halting,
    lifeOf,
    readied,
    refused,
    refuseIfDying,
    sendBreak,
    shortened,
    shutDown,
    unchanged,
)
from .control_link import ControlLink
from .status import statusOf

__all__ = ["ControlProtocol"]


class ControlProtocol(ControlLink):
    """
    One connection to the control door.
    """

    # The commands.

    @Status.responder
    def status(self) -> Deferred[dict[str, Any]]:
        """
        See L{Status}.
        """
        console = self._door.console
        uids = [session.peer.who.uid for session in console.sessions]
        found: Deferred[dict[int, str]] = maybeDeferred(self._door.userNames, uids)
        return found.addCallback(lambda names: statusOf(self._door, names))

    @Event.responder
    def event(self, name: str, bootArguments: str | None = None) -> dict[str, Any]:
        """
        See L{Event}.
        """
        event = eventNamed(name)
        arguments = checked(bootArguments)
        refuseIfDying(self._door.console)
        self._note(f"event {name}")
        self._door.console.event(event, arguments)
        return {"message": f"event '{name}' posted"}

    @Ready.responder
    def ready(self) -> Deferred[dict[str, Any]]:
        """
        See L{Ready}.
        """
        return self._live("ready", lambda life: readied(self._door, life))

    @Boot.responder
    def boot(self, bootArguments: str | None = None) -> Deferred[dict[str, Any]]:
        """
        See L{Boot}.
        """
        arguments = checked(bootArguments)
        return self._live("boot", lambda life: life.boot(arguments))

    @Halt.responder
    def halt(self) -> Deferred[dict[str, Any]]:
        """
        See L{Halt}.
        """
        return self._live("halt", halting(self._door, self._who))

    @Shutdown.responder
    def shutdown(
        self, reboot: bool = False, bootArguments: str | None = None
    ) -> Deferred[dict[str, Any]]:
        """
        See L{Shutdown}.
        """
        arguments = checked(bootArguments)
        if not reboot:
            return self._live("shutdown", lambda life: shutDown(self._door, life)())
        return self._live(
            "shutdown and reboot",
            lambda life: shutDown(self._door, life)(True, arguments),
        )

    @Reboot.responder
    def reboot(self, bootArguments: str | None = None) -> Deferred[dict[str, Any]]:
        """
        See L{Reboot}.
        """
        arguments = checked(bootArguments)
        return self._live("reboot", lambda life: life.reboot(arguments))

    @Restart.responder
    def restartServer(self) -> dict[str, Any]:
        """
        See L{Restart}.
        """
        restart = self._door.restart
        if restart is None:
            raise Refused(
                "a restart would end the zones of this server, for it keeps their"
                " console devices itself: stop it and start it again instead"
            )
        refuseIfDying(self._door.console)
        self._note("restart")
        # In a turn of its own: this is answered first.
        self._door.reactor.callLater(0, restart)
        return {"message": f"server restarts (process {os.getpid()})"}

    @Break.responder
    def sendBreak(self) -> dict[str, Any]:
        """
        See L{Break}.
        """
        self._note("break")
        sendBreak(self._door.console)
        return {"message": "break sent"}

    @Detach.responder
    def detach(self) -> dict[str, Any]:
        """
        See L{Detach}.
        """
        self._note("detach")
        who = detach(self._door.console, self._who)
        return {"message": f"{who} detached"}

    @Reload.responder
    def reload(self) -> Deferred[dict[str, Any]]:
        """
        See L{Reload}.
        """
        if self._door.reload is None:
            raise Refused(NO_FILE)
        self._note("reload")
        self.outlives = True

        def told(outcome: Outcome) -> dict[str, Any]:
            return {"message": str(outcome), "problems": shortened(outcome.problems)}

        def after(result: object) -> object:
            self.outlives = False
            if self._leaving:
                # When the answer is on its way.
                self._door.reactor.callLater(0, self._leaveNow)
            return result

        return self._door.reload().addCallbacks(told, unchanged).addBoth(after)

    # Inside.

    def _leaveNow(self) -> None:
        if not self._closed:
            self.leave()

    def _live(
        self, what: str, do: Callable[[Any], Deferred[str]]
    ) -> Deferred[dict[str, Any]]:
        """
        Have the zone's life do something; afterwards, whatever came of it, the
        console is told to look at the state, as the door server of illumos does.
        """
        refuseIfDying(self._door.console)
        life = lifeOf(self._door)
        self._note(what)

        def after(result: object) -> object:
            self._door.console.event(ZoneEvent.NULL)
            return result

        done = do(life).addBoth(after)
        return done.addCallbacks(lambda text: {"message": text}, refused)

    def _note(self, what: str) -> None:
        self._door.console.logbook.controlled(self._who, what)
