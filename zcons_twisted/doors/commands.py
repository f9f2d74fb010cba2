# -*- test-case-name: zcons_twisted.test.test_control_socket -*-
"""
The control door's commands, for both ends of it.

AMP on C{<rundir>/<zone>.control_sock}: one zone a socket, so no command names
one, and L{Reload} alone is about more than that zone.  A command that can't be done
is answered with L{Refused} and one line that says why.
"""

from __future__ import annotations

from twisted.protocols.amp import (
    AmpList,
    Argument,
    Boolean,
    Command,
    Float,
    Integer,
    ListOf,
    Unicode,
)

__all__ = [
    "Boot",
    "Break",
    "Detach",
    "Event",
    "Halt",
    "Ready",
    "Reboot",
    "Refused",
    "Reload",
    "Restart",
    "Shutdown",
    "Status",
]


class Refused(Exception):
    """
    The server does not do what was asked; the text says why, in one line.
    """


_ERRORS: dict[type[Exception], bytes] = {Refused: b"REFUSED"}

#: One attached session, as L{Status} tells it.
_SESSION: list[tuple[bytes, Argument]] = [
    (b"pid", Integer()),
    (b"uid", Integer()),
    (b"user", Unicode()),
    # Seconds since the epoch.
    (b"since", Float()),
    (b"locale", Unicode()),
    # The pid that the client told of itself; absent where it told none.
    (b"toldPid", Integer(optional=True)),
    # Its sending side is closed: whoever comes next takes the seat.
    (b"halfClosed", Boolean()),
    (b"stalled", Boolean()),
]

#: One session that ended not long ago, newest last.
_ENDED: list[tuple[bytes, Argument]] = [
    (b"pid", Integer()),
    (b"uid", Integer()),
    (b"at", Float()),
    # A word of L{zcons_twisted.sessions.EndReason}.
    (b"reason", Unicode()),
    # The same for people.
    (b"text", Unicode()),
    # What it might do: C{operator} or C{watch}.
    (b"role", Unicode(optional=True)),
]


class Status(Command):
    """
    How the zone's console is.

    C{state} is a zone state's label; C{device} is where the zone finds the
    subsidiary and C{deviceState} is C{open} or why it is not; C{operator} has
    no entry or one; C{counters} are totals since the server began with the zone.
    """

    response = [
        (b"zone", Unicode()),
        (b"state", Unicode()),
        (b"driver", Unicode()),
        # What runs as the zone or how it ended; absent where others run it.
        (b"life", Unicode(optional=True)),
        (b"device", Unicode()),
        (b"deviceState", Unicode()),
        (b"onHalt", Unicode()),
        (b"serverPid", Integer()),
        # The nexus that keeps the device; absent where this process does.
        (b"nexusPid", Integer(optional=True)),
        (b"since", Float()),
        (b"operator", AmpList(_SESSION)),
        (b"watchers", AmpList(_SESSION)),
        # Seconds since the epoch; absent where it has printed nothing so far.
        (b"printedAt", Float(optional=True)),
        # Offsets in the history: the oldest that is kept, and the end.
        (b"oldest", Integer()),
        (b"end", Integer()),
        # Why no more of it is kept, or not for long; absent where nothing is wrong.
        (b"historyProblem", Unicode(optional=True)),
        # Which history it is, and where in it the zone's last boot began and what is
        # kept of its first output ends.
        (b"birth", Unicode()),
        (b"boot", Integer()),
        (b"bootEnd", Integer()),
        (b"ended", AmpList(_ENDED)),
        (b"counters", AmpList([(b"name", Unicode()), (b"value", Integer())])),
    ]
    errors = _ERRORS


class _Done(Command):
    """
    A command that is answered with one line for people.
    """

    response = [(b"message", Unicode())]
    errors = _ERRORS


class Event(_Done):
    """
    Post a zone event: C{name} is one of L{zcons_twisted.events.EVENT_NAMES}.
    """

    arguments = [(b"name", Unicode()), (b"bootArguments", Unicode(optional=True))]


class Ready(_Done):
    """
    Have the zone be there without running; answered when it is.
    """


class Boot(_Done):
    """
    Boot the zone; answered when it runs.
    """

    arguments = [(b"bootArguments", Unicode(optional=True))]


class Halt(_Done):
    """
    Halt the zone; answered when it is down.
    """


class Shutdown(_Done):
    """
    Ask the zone to go down by itself; answered when it is down or, with C{reboot}, when
    it runs again.
    """

    arguments = [
        (b"reboot", Boolean(optional=True)),
        (b"bootArguments", Unicode(optional=True)),
    ]


class Reboot(_Done):
    """
    Halt the zone and boot it again; answered when it runs.
    """

    arguments = [(b"bootArguments", Unicode(optional=True))]


class Restart(_Done):
    """
    Have the whole server, not this zone's part of it alone, stop and run again, with
    every zone left as it is; answered before it does.
    """


class Break(_Done):
    """
    Send a break on the zone's line.
    """


class Detach(_Done):
    """
    End the operator's session.
    """


class Reload(_Done):
    """
    Have the configuration file of the whole server read anew.  Where it has an error,
    or there is none, that is refused, and nothing is changed.  In any case sockets that
    somebody has removed are made again; where there is no file, and some were, that is
    no error.

    C{problems} are what could not be done of what it says, a line each.
    """

    response = [*_Done.response, (b"problems", ListOf(Unicode()))]
