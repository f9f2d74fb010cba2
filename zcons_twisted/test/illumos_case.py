# -*- test-case-name: zcons_twisted.test.test_illumos_driver -*-
"""
An illumos in memory: its libraries, as Python functions, and its files.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from ctypes import c_void_p
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..drivers.illumos.loader import LIBC
from ..events import ZoneState

#: What the addresses of handles begin at; a node's is that of the first one and its
#: instance number.
ROOT, NODES = 1000, 2000


class MemoryIllumos:
    """
    A system with zones and console nodes: loads its libraries, and makes the system
    calls of a console device.

    @ivar nodes: the zone of each console node, by its instance number.
    @ivar state: the zones' state, by its number, or L{None} for no zone.
    @ivar number: the zones' ID.
    @ivar linked: whether there are links to the console nodes.
    @ivar manager: the name that the manager has here.
    @ivar failures: what calls of a function are to fail with, in order; 0 for those
        that are not to.
    @ivar missing: the functions that the libraries have not got.
    @ivar calls: what was called, but for looks at a zone.
    @ivar opened: what is open, by its descriptor.
    """

    def __init__(self) -> None:
        self.nodes: dict[int, str] = {}
        self.state: int | None = ZoneState.INSTALLED.value
        self.number = 7
        self.linked = False
        self.manager = "globalconsole"
        self.failures: dict[str, list[int]] = {}
        self.missing: set[str] = set()
        self.calls: list[str] = []
        self.opened: dict[int, str] = {}
        self._strings: dict[int, ctypes.Array[ctypes.c_char]] = {}

    # As a loader.

    def load(self, name: str) -> SimpleNamespace:
        """
        See L{Loader<zcons_twisted.drivers.illumos.loader.Loader>}.
        """
        names = {
            "libdevinfo.so.1": ("_di_",),
            "libdevice.so.1": ("_devctl_",),
            "libzonecfg.so.1": ("_zone_",),
            LIBC: ("_getzoneid",),
        }[name]
        found = {
            symbol[1:]: self._plain(getattr(self, symbol))
            for symbol in dir(self)
            if symbol.startswith(names) and symbol[1:] not in self.missing
        }
        return SimpleNamespace(**found)

    def _plain(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """
        A function that can be told its types.
        """

        def function(*arguments: Any) -> Any:
            return method(*arguments)

        return function

    def fails(self, what: str) -> bool:
        """
        Is this call to fail?
        """
        left = self.failures.get(what)
        number = left.pop(0) if left else 0
        ctypes.set_errno(number)
        return bool(number)

    def _string(self, text: bytes) -> int:
        kept = ctypes.create_string_buffer(text)
        address = ctypes.addressof(kept)
        self._strings[address] = kept
        return address

    # libdevinfo and libdevice.

    def _di_init(self, path: bytes, flags: int) -> int | None:
        self.calls.append(f"di_init {path.decode()} {flags:#x}")
        return None if self.fails("di_init") else ROOT

    def _di_fini(self, root: int) -> None:
        self.calls.append("di_fini")

    def _di_walk_node(self, root: int, flag: int, argument: object, visit: Any) -> int:
        visits = [ROOT, *(NODES + number for number in sorted(self.nodes))]
        for node in visits:
            if visit(node, argument) == -3:
                break
        return 0

    def _di_prop_lookup_strings(
        self, device: int, node: int, name: bytes, found: Any
    ) -> int:
        assert (device, name) == (2**64 - 2, b"zonename")
        if node == ROOT:
            return -1
        found._obj.value = self.nodes[node - NODES].encode()
        return 1

    def _di_devfs_path(self, node: int) -> int | None:
        if self.fails("di_devfs_path"):
            return None
        return self._string(b"/pseudo/zconsnex@1/zcons@%d" % (node - NODES))

    def _di_devfs_path_free(self, path: int) -> None:
        del self._strings[path]

    def _di_devlink_init(self, name: bytes, flags: int) -> int | None:
        if self.fails("di_devlink_init"):
            return None
        self.linked = True
        return 1

    def _di_devlink_fini(self, links: Any) -> int:
        self.calls.append("di_devlink_fini")
        return 0

    def _devctl_bus_acquire(self, path: bytes, flags: int) -> int | None:
        return None if self.fails("devctl_bus_acquire") else 1

    def _devctl_device_acquire(self, path: bytes, flags: int) -> int | None:
        self.calls.append(f"acquire {path.decode()}")
        failed = self.fails("devctl_device_acquire")
        return None if failed else NODES + int(path.rpartition(b"@")[2])

    def _devctl_release(self, handle: c_void_p) -> None:
        self.calls.append(f"release {handle.value}")

    def _devctl_device_remove(self, device: c_void_p) -> int:
        if self.fails("devctl_device_remove"):
            return -1
        assert device.value is not None
        del self.nodes[device.value - NODES]
        return 0

    def _devctl_ddef_alloc(self, name: bytes, flags: int) -> int | None:
        return None if self.fails("devctl_ddef_alloc") else 2

    def _devctl_ddef_free(self, definition: c_void_p) -> None:
        self.calls.append("free definition")

    def _devctl_ddef_string(
        self, definition: c_void_p, name: bytes, value: bytes
    ) -> int:
        self.defined = value.decode()
        return -1 if self.fails(name.decode()) else 0

    def _devctl_ddef_int(self, definition: c_void_p, name: bytes, value: int) -> int:
        assert value == 1
        return -1 if self.fails(name.decode()) else 0

    def _devctl_bus_dev_create(
        self, bus: c_void_p, definition: c_void_p, flags: int, made: Any
    ) -> int:
        if self.fails("devctl_bus_dev_create"):
            return -1
        self.nodes[min({*range(99)} - self.nodes.keys())] = self.defined
        made._obj.value = 3
        return 0

    # libzonecfg and libc.

    def _zone_get_state(self, zone: bytes, state: Any) -> int:
        if self.fails("zone_get_state"):
            return 1
        if self.state is None:
            return 16
        state._obj.value = self.state
        return 0

    def _getzoneidbyname(self, zone: bytes) -> int:
        return self.number

    # As system calls.

    def open(self, path: str, flags: int) -> int:
        """
        See L{FileCalls<zcons_twisted.drivers.illumos.devices.FileCalls>}.
        """
        name = path.rpartition("/")[2]
        if not self.linked or name not in (self.manager, "zoneconsole"):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        busy = name == self.manager and self.manager in self.opened.values()
        what = "subsidiary" if name == "zoneconsole" else "manager"
        self._raise(f"open {what}", errno.EBUSY if busy else 0)
        fd: int = min({*range(100, 199)} - self.opened.keys())
        self.opened[fd] = name
        waits = "" if flags & os.O_NONBLOCK else " waiting"
        self.calls.append(f"open {name}{waits}")
        return fd

    def ioctl(self, fd: int, request: int, argument: int) -> int:
        """
        See L{FileCalls<zcons_twisted.drivers.illumos.devices.FileCalls>}.
        """
        told = self.opened.get(argument, argument)
        self.calls.append(f"ioctl {self.opened[fd]} {request:#x} {told}")
        self._raise(f"ioctl {request:#x}")
        return 0

    def close(self, fd: int) -> None:
        """
        See L{FileCalls<zcons_twisted.drivers.illumos.devices.FileCalls>}.
        """
        self.calls.append(f"close {self.opened.pop(fd)}")

    def _raise(self, what: str, number: int = 0) -> None:
        if self.fails(what):
            number = ctypes.get_errno()
        if number:
            raise OSError(number, os.strerror(number))


class IllumosTestCase(SynchronousTestCase):
    """
    A system with a zone that is installed, and no consoles.
    """

    def setUp(self) -> None:
        """
        Have one.
        """
        self.illumos = MemoryIllumos()
