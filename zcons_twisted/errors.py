# -*- test-case-name: zcons_twisted.test.test_errors -*-
"""
Everything that can go wrong and is told to a person.

Each message is one line: what happened, and what to do about it where that is
known.  Tracebacks are for the log.
"""

from __future__ import annotations

__all__ = [
    "BadBootArguments",
    "BadIdent",
    "BadOption",
    "BadZoneName",
    "DamagedHistory",
    "DeviceError",
    "ExpiredRange",
    "LifecycleError",
    "RunDirectoryError",
    "ZConsError",
    "ZoneBusy",
    "ZoneServed",
]


class ZConsError(Exception):
    """
    The root of every error that this package raises on purpose.
    """


class BadZoneName(ZConsError):
    """
    A zone name that illumos' rule does not allow.
    """


class BadIdent(ZConsError):
    """
    A first line from a peer that is no C{IDENT} line of any dialect.
    """


class BadBootArguments(ZConsError):
    """
    Boot arguments that can't be passed on.
    """


class BadOption(ZConsError):
    """
    A server option, or a combination of them, that can't be served.
    """


class RunDirectoryError(ZConsError):
    """
    The run directory can't be made, or can't be trusted.
    """


class ZoneServed(ZConsError):
    """
    Another server that is alive serves this zone already.
    """


class ZoneBusy(ZConsError):
    """
    The operator's seat is taken.
    """


class DeviceError(ZConsError):
    """
    A console device can't be made, held or opened.
    """


class LifecycleError(ZConsError):
    """
    A zone can't be booted, halted or rebooted in the state that it is in.
    """


class ExpiredRange(ZConsError):
    """
    Bytes were asked for that are not kept any more.

    @ivar oldest: the first offset that is.
    """

    def __init__(self, offset: int, oldest: int) -> None:
        """
        @param offset: what was asked for.
        """
        super().__init__(
            f"offset {offset} is not kept any more: history begins at {oldest}"
        )
        self.oldest = oldest


class DamagedHistory(ZConsError):
    """
    What is there is no history, or is damaged.
    """
