# -*- test-case-name: zcons_twisted.test.test_systemd_journal -*-
"""
A log for systemd's journal: it knows the time by itself, wants each event in one line,
and takes a priority in front of it, as C{sd-daemon(3)} has it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent
from zope.interface import implementer

from ..notices import escaped

__all__ = ["JournalObserver", "isJournal"]

#: The priorities of syslog, by the levels of Twisted.
_PRIORITIES = {
    LogLevel.critical: 2,
    LogLevel.error: 3,
    LogLevel.warn: 4,
    LogLevel.info: 6,
    LogLevel.debug: 7,
}


def isJournal(environ: Mapping[str, str], fd: int) -> bool:
    """
    Does a descriptor lead to the journal?  Only then: the variable also reaches those
    whose output goes elsewhere.
    """
    try:
        found = os.fstat(fd)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


@implementer(ILogObserver)
class JournalObserver:
    """
    Writes events as the journal wants them.
    """

    def __init__(self, output: TextIO) -> None:
        """
        @param output: leads to the journal.
        """
        self._output = output

    def __call__(self, event: LogEvent) -> None:
        """
        Write an event.
        """
        priority = _PRIORITIES.get(event.get("log_level"), 6)
        text = formatEvent(event)
        failure = event.get("log_failure")
        if failure is not None:
            text = f"{text}\n{failure.getTraceback()}"
        lines = (line.strip() for line in text.splitlines())
        told = escaped(" | ".join(line for line in lines if line))
        self._output.write(f"<{priority}>{told}\n")
        self._output.flush()
