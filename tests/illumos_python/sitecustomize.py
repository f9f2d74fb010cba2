"""
A Python that has what it has on illumos: read by an interpreter when it starts, if this
directory is on its path.
"""

import os
import select
import socket
import sys

sys.platform = "sunos5"
for module, name in (
    (select, "epoll"),
    (select, "POLLRDHUP"),
    (socket, "SO_PEERCRED"),
    (socket, "AF_NETLINK"),
    (os, "pidfd_open"),
):
    if hasattr(module, name):
        delattr(module, name)


def _refuse(fd: int, offset: int, length: int) -> None:
    """
    As ZFS answers.
    """
    raise OSError(22, "Invalid argument")


os.posix_fallocate = _refuse
