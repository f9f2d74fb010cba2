"""
What the targets have in common.

A target is a module C{fuzz_NAME} with a function C{consume}: whatever bytes it is
given, it returns or, where a promise is broken, raises.  It needs nothing but the
package itself, so that what was once found is tried again by the plain tests.
"""

from __future__ import annotations

from collections.abc import Iterator


class Source:
    """
    Takes choices off the front of an input; zeros when there is none left.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, below: int) -> int:
        """
        A number from 0 on, of as many bytes as it needs.
        """
        width = max(1, ((below - 1).bit_length() + 7) // 8)
        return int.from_bytes(self.take(width), "big") % below

    def take(self, size: int) -> bytes:
        """
        The next bytes, or fewer.
        """
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data

    def rest(self) -> bytes:
        """
        All that is left.
        """
        return self.take(len(self._data))

    def __bool__(self) -> bool:
        """
        Is anything left?
        """
        return self._at < len(self._data)


def cut(data: bytes, where: int) -> Iterator[bytes]:
    """
    Data in pieces; where they are cut depends on a number alone.
    """
    at = 0
    while at < len(data):
        where = (where * 1103515245 + 12345) & 0x7FFFFFFF
        size = 1 + (where >> 16) % 40
        yield data[at : at + size]
        at += size
