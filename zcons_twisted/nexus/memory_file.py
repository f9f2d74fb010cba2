# -*- test-case-name: zcons_twisted.test.test_nexus_keeping -*-
"""
What is too long for a value of the nexus' commands goes by a file that is nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["contentOf", "memoryFile"]


@contextmanager
def memoryFile(data: bytes) -> Iterator[int]:
    """
    A descriptor of a file with this, open for as long as this lasts.

    @raise OSError: there is none to be had.
    """
    fd = os.memfd_create("zcons")
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        yield fd
    finally:
        os.close(fd)


def contentOf(fd: int) -> bytes:
    """
    All that a file has, which is closed.
    """
    with open(fd, "rb") as file:
        file.seek(0)
        return file.read()
