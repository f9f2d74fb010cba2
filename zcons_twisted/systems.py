# -*- test-case-name: zcons_twisted.test.test_systems -*-
"""
Which system this is, where that makes a difference.
"""

from __future__ import annotations

import os
import select
import sys

__all__ = ["CONSOLE_DEVICES", "hasConsoleDevices", "hasEpoll"]

#: Where illumos has its zones' console devices.
CONSOLE_DEVICES = "/dev/zcons"


def hasEpoll() -> bool:
    """
    Is there an epoll to rely on?  That of illumos is for Linux programs, and some of
    its Pythons offer it, but it differs in what happens to descriptors that are closed.
    """
    return sys.platform == "linux" and hasattr(select, "epoll")


def hasConsoleDevices() -> bool:
    """
    Does the system itself give zones a console device, as illumos does?
    """
    return sys.platform.startswith("sunos") or os.path.isdir(CONSOLE_DEVICES)
