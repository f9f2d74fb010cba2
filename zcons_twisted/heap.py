# -*- test-case-name: zcons_twisted.test.test_heap -*-
"""
The objects of a server that stays for years.

Python looks through all objects from time to time for those that only refer to each
other.  Nearly all that a server has is there from its start until its end: modules, and
what serves its zones.  To look through that takes some 100 ms where there are 1000
zones, and who types a key meanwhile waits for it.
"""

from __future__ import annotations

import gc

__all__ = ["settle"]


def settle() -> None:
    """
    Take what there is now for what stays: only what is made from now on is looked
    through.  What was settled before and is needed no more is let go.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
