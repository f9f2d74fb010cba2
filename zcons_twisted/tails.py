# -*- test-case-name: zcons_twisted.test.test_history -*-
"""
Where the last of a console's history begins.
"""

from __future__ import annotations

from .history import History

__all__ = ["lastLines"]

# So much is looked at first, and twice as much each time, up to so much.
_PIECE = 16 * 1024
_PIECE_MAX = 512 * 1024


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
        found = text.count(b"\n")
        if found < lines:
            # Counted rather than looked for: there may be a GiB of lines.
            lines -= found
            stop = start
            piece = min(2 * piece, _PIECE_MAX)
            continue
        at = len(text)
        for _ in range(lines):
            at = text.rindex(b"\n", 0, at)
        return start + at + 1
    return floor
