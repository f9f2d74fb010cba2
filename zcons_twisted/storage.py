# -*- test-case-name: zcons_twisted.test.test_history_recovery -*-
"""
What a history's memory is a view of: plain memory, or a file that may have no room, or
be cut short.
"""

from __future__ import annotations

import errno
import os
from typing import Protocol

__all__ = ["LOST_TEXT", "Memory", "Storage"]

#: What is said of a history whose file was lost under its hands.
LOST_TEXT = "in memory only: its file was cut short, or can't be read any more"


class Storage(Protocol):
    """
    What a history's memory is a view of.
    """

    @property
    def problem(self) -> str:
        """
        What is wrong with it, in a few words for people, or C{""}.
        """

    def claim(self, start: int, length: int) -> bool:
        """
        Claim a part of the memory before it is first used, where it could turn out not
        to be there: a page of a file on a full disk.

        @return: whether it may be used; what is refused is done without.
        """

    def isWhole(self) -> bool:
        """
        Is the memory all there?
        """

    def rest(self) -> None:
        """
        Nothing of it is needed for a while.
        """

    def salvage(self, length: int) -> tuple[memoryview, int]:
        """
        Give memory in the place of what is there no more.

        @param length: how much of it is of use.
        @return: other memory as large, and up to where what was of use is there.
        """

    def close(self) -> None:
        """
        Let the memory go.
        """


class Memory:
    """
    The storage of memory that is there and stays.

    @ivar problem: why it is no file's, where it was meant to be one's.
    """

    def __init__(self, problem: str = "") -> None:
        self.problem = problem

    def claim(self, start: int, length: int) -> bool:
        """
        See L{Storage}.
        """
        return True

    def isWhole(self) -> bool:
        """
        See L{Storage}.
        """
        return True

    def rest(self) -> None:
        """
        See L{Storage}.
        """

    def salvage(self, length: int) -> tuple[memoryview, int]:
        """
        See L{Storage}.
        """
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))

    def close(self) -> None:
        """
        See L{Storage}.
        """
