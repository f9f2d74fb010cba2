# -*- test-case-name: zcons_twisted.test.test_interfaces -*-
"""
What those must offer who know a zone, hear of it or run it.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from .events import ZoneEvent, ZoneState

__all__ = [
    "IAccountableLife",
    "ILastingLife",
    "IZoneConnection",
    "IZoneEvents",
    "IZoneLife",
    "IZonePresence",
    "IZoneReady",
    "IZoneShutdown",
    "IZoneStates",
]


class IZoneStates(Interface):
    """
    Who knows a zone's state.
    """

    def state() -> ZoneState:
        """
        The state as it is now.

        @raise Exception: it can't be told.
        """

    def posted(event: ZoneEvent) -> None:
        """
        An event was posted for the zone; where events are all that is known of it,
        they make its state.
        """


class IZonePresence(Interface):
    """
    What those who know a zone's state may know besides.  Where nobody does, what is
    typed waits for whoever opens the console.
    """

    def present() -> bool:
        """
        Is there a zone, or is one about to be, that could read what is typed?
        """


class IZoneConnection(Interface):
    """
    And what they may know where the console is at the other end of a connection, of
    which nobody can tell whether the same is there next time: what is typed while there
    is none, and what it has not taken when it ends, is for nobody.
    """

    def connected() -> bool:
        """
        Is there a connection?
        """


class IZoneEvents(Interface):
    """
    Who is told what happens to a zone: its console.
    """

    def event(event: ZoneEvent, arguments: str) -> None:
        """
        Something happened to the zone.

        @param arguments: its boot arguments; why it halted, did not boot or lost its
            connection, where that is known; or C{""}.
        """

    def lifeEnded(unread: int) -> None:
        """
        One life of the zone is over, before an event tells of it: whatever was typed
        at it and waits is not for the next.

        @param unread: how many bytes of it had come as far as the device, and have
            been dropped.
        """


class IZoneLife(Interface):
    """
    A zone that the server runs itself.  Each method fires with one line for
    people, or fails with L{LifecycleError<zcons_twisted.errors.LifecycleError>}.
    """

    account = Attribute("What runs, or how it ended last, in a few words for people.")

    def boot(arguments: str) -> Deferred[str]:
        """
        Start it; fires when it runs.
        """

    def halt() -> Deferred[str]:
        """
        Stop it; fires when nothing of it runs any more.
        """

    def reboot(arguments: str) -> Deferred[str]:
        """
        Stop it and start it again; fires when it runs.
        """


class IZoneShutdown(Interface):
    """
    What a life may offer besides: a zone that can be asked to go down by itself.
    """

    def shutdown(reboot: bool = False, arguments: str = "") -> Deferred[str]:
        """
        Ask it to, and force nothing; fires when it is down, and fails where it does not
        go in time, and runs on.

        @param reboot: start it again when it is down; then fires when it runs.
        @param arguments: the boot arguments for that.
        """


class IZoneReady(Interface):
    """
    What a life may offer besides: a zone that can be there before it runs.
    """

    def ready() -> Deferred[str]:
        """
        Have it there, but not running; fires when it is.  Boot lets it run.
        """


class ILastingLife(IZoneLife):
    """
    The life of a zone that the server directs but that is not its own: the zone is not
    booted when the server starts, and goes on when it stops.
    """


class IAccountableLife(IZoneLife):
    """
    The life of a zone that tells who had asked for its end.
    """

    def haltFor(who: str) -> Deferred[str]:
        """
        The same as L{halt<IZoneLife.halt>}, asked for by somebody of whom the account
        and the event tell afterwards.

        @param who: C{root} for example.
        """
