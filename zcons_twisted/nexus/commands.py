# -*- test-case-name: zcons_twisted.test.test_nexus_client -*-
"""
The commands of the nexus' socket, as a server gives them by Twisted's AMP.

An answer that something can't be done is a L{NexusFault}, which is an L{OSError}.
"""

from __future__ import annotations

from twisted.protocols.amp import (
    Argument,
    Boolean,
    Command,
    Descriptor,
    Integer,
    Unicode,
)

__all__ = [
    "Adopt",
    "Began",
    "Claim",
    "Count",
    "Create",
    "Dropped",
    "Ended",
    "Hello",
    "Leave",
    "Mend",
    "NexusFault",
    "Reap",
    "Release",
    "Remember",
    "Remove",
    "Spawn",
]


class NexusFault(OSError):
    """
    The nexus can't do what was asked, as the kernel or it itself says.
    """

    def __init__(self, text: str) -> None:
        """
        @param text: the error's number, and its text.
        """
        number, _, why = text.partition(" ")
        super().__init__(int(number), why)

    def __str__(self) -> str:
        """
        As it is sent.
        """
        return f"{self.errno} {self.strerror}"


_ERRORS: dict[type[Exception], bytes] = {NexusFault: b"OS"}
_ZONE: list[tuple[bytes, Argument]] = [(b"zone", Unicode())]


class Hello(Command):
    """
    The first: who is there?  C{managed}: does a service manager start it again when it
    ends, with all that it had?
    """

    arguments = [(b"version", Integer())]
    response = [
        (b"version", Integer()),
        (b"pid", Integer()),
        (b"managed", Boolean()),
    ]
    errors = _ERRORS


class Leave(Command):
    """
    The server goes in good order: when this is answered, a nexus that holds nothing has
    taken its socket away.
    """

    errors = _ERRORS


class Mend(Command):
    """
    Make the nexus' socket again where somebody has removed it.
    """

    response = [(b"mended", Boolean())]
    errors = _ERRORS


class Count(Command):
    """
    How many instances carry a zone's name?  The answer has C{process} as well, as in
    L{Claim}: for those who look at a zone that nobody serves.
    """

    arguments = _ZONE
    response = [(b"count", Integer())]
    errors = _ERRORS


class Create(Command):
    """
    Make one more.
    """

    arguments = _ZONE
    response = [(b"instance", Integer())]
    errors = _ERRORS


class Adopt(Command):
    """
    Hold a master that somebody else made, as an instance that this server has claimed.
    C{process} has what is known of the zone's process, as in L{Claim}.
    """

    arguments = [
        *_ZONE,
        (b"master", Descriptor()),
        (b"process", Unicode(optional=True)),
    ]
    response = [(b"instance", Integer())]
    errors = _ERRORS


class Claim(Command):
    """
    Have a zone's instance to oneself: C{EBUSY} while another server has it, C{ENXIO}
    where there is none.

    C{process} is a JSON object, or empty where none was started: see
    L{Child.facts<zcons_twisted.nexus.children.Child>}.  C{note} is what L{Remember} was
    given last.  C{typed} is what L{Release} was given, where it was, for who claims it
    first.
    """

    arguments = _ZONE
    response = [
        (b"instance", Integer()),
        (b"master", Descriptor()),
        (b"process", Unicode()),
        (b"note", Unicode()),
        (b"typed", Descriptor(optional=True)),
    ]
    errors = _ERRORS


class Release(Command):
    """
    Have it to oneself no more; it stays.  C{typed} is a file with what was typed and
    waits for the zone.
    """

    arguments = [*_ZONE, (b"typed", Descriptor(optional=True))]
    errors = _ERRORS


class Remove(Command):
    """
    Remove every instance of a zone that no other server has.
    """

    arguments = _ZONE
    response = [(b"removed", Integer()), (b"found", Integer())]
    errors = _ERRORS


class Spawn(Command):
    """
    Start a process for a zone, as a child of the nexus.

    C{spec} is a file that has a JSON object: C{command}, its words; C{environment}, all
    of it; C{cwd} or C{""}; C{arguments}, the boot arguments, to be remembered; and
    C{terminal}, whether its standard input, output and error are the instance's
    subsidiary rather than nothing.  Its descriptor 3 is a pipe: what it writes there
    says why it can't begin, and when that is closed, it has begun.  C{process} is as in
    L{Claim}.
    """

    arguments = [*_ZONE, (b"spec", Descriptor())]
    response = [(b"pid", Integer()), (b"process", Unicode())]
    errors = _ERRORS


class Reap(Command):
    """
    The end of a zone's process has been taken note of.
    """

    arguments = _ZONE
    errors = _ERRORS


class Remember(Command):
    """
    Keep a text with a zone, for the next server.
    """

    arguments = [*_ZONE, (b"text", Unicode())]
    errors = _ERRORS


# From the nexus to a server; not answered.


class Began(Command):
    """
    The process of a zone that the server has has begun, or, where C{why} says so, has
    not.
    """

    arguments = [*_ZONE, (b"pid", Integer()), (b"why", Unicode())]
    requiresAnswer = False


class Ended(Command):
    """
    It has ended, with an exit status or by a signal where that is known.
    """

    arguments = [
        *_ZONE,
        (b"pid", Integer()),
        (b"code", Integer(optional=True)),
        (b"signal", Integer(optional=True)),
    ]
    requiresAnswer = False


class Dropped(Command):
    """
    The server is left, and this is why; the end of the connection follows.
    """

    arguments = [(b"why", Unicode())]
    requiresAnswer = False
