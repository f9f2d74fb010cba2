# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
Where the last of a console's history begins.
"""

from __future__ import annotations

from .history import History

__all__ = ["lastLines"]

# So much is looked at first, and twice as much each time, up to so much: what a cache
# has room for, and memory that the allocator need not ask the kernel for.
_PIECE = 16 * 1024
_PIECE_MAX = 64 * 1024
# Within a piece, lines are looked for in an eighth of it each time, down to so much.
_CLOSE = 256


def lastLines(history: History, lines: int, most: int) -> int:
    """
    The offset at which the last lines begin.

    @param lines: how many; one that is not ended counts.
    @param most: but no more bytes than this.
    """
    history.settle()
    floor = max(history.oldest, history.end - most)
    stop = history.end
    # The newline that ends the last line does not begin another one.
    if stop > floor and history.read(stop - 1, stop) == b"\n":
        stop -= 1
    if lines == 0:
        return history.end
    piece = _PIECE
    while stop > floor:
        start = max(floor, stop - piece)
        text = history.read(start, stop)
        # To look for one is many times faster than to count them.
        found = text.count(b"\n") if b"\n" in text else 0
        if found < lines:
            # Counted rather than looked for: there may be a GiB of lines.
            lines -= found
            stop = start
            piece = min(2 * piece, _PIECE_MAX)
            continue
        return start + _lineStart(text, lines)
    return floor


def _lineStart(text: bytes, lines: int) -> int:
    """
    Where the last lines of a text begin that has so many, and more.
    """
    at = step = len(text)
    while step > _CLOSE:
        step //= 8
        while (found := text.count(b"\n", max(0, at - step), at)) < lines:
            lines -= found
            at -= step
    for _ in range(lines):
        at = text.rindex(b"\n", 0, at)
    return at + 1
