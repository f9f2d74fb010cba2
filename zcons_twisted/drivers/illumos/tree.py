# -*- test-case-name: zcons_twisted.test.test_illumos_libraries -*-
"""
The part of the device tree that has the zones' consoles, by libdevinfo and libdevice.

Every zone's console is a node C{zcons@N} below the nexus C{/pseudo/zconsnex@1}, and
carries the zone's name as a property.  The constants are those of libdevinfo.h and
sys/sunddi.h.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_int32, c_uint, c_ulong, c_void_p

from .loader import Functions, Loader, failure

__all__ = ["DRIVER", "NEXUS_FILE", "NEXUS_NODE", "DeviceTree"]

#: The nexus in the device tree ...
NEXUS_NODE = b"/pseudo/zconsnex@1"
#: ... and as a file.
NEXUS_FILE = b"/devices/pseudo/zconsnex@1"
#: The kernel driver's name, which is also that of its nodes.
DRIVER = b"zcons"

_SUBTREE = 0xDF01
_MINORS = 0xDF02
_PROPERTIES = 0xDF04
# Of any of the node's devices: (dev_t)-2.
_ANY_DEVICE = c_ulong(-2).value
_CHILDREN_FIRST = 0
_CONTINUE = 0
_TERMINATE = -3
_MAKE_LINKS = 1

_Visit = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)

_DEVINFO = {
    "di_init": (c_void_p, (c_char_p, c_uint)),
    "di_fini": (None, (c_void_p,)),
    "di_walk_node": (c_int, (c_void_p, c_uint, c_void_p, _Visit)),
    "di_prop_lookup_strings": (
        c_int,
        (c_ulong, c_void_p, c_char_p, POINTER(c_char_p)),
    ),
    # Not a c_char_p, for the same pointer has to be given back.
    "di_devfs_path": (c_void_p, (c_void_p,)),
    "di_devfs_path_free": (None, (c_void_p,)),
    "di_devlink_init": (c_void_p, (c_char_p, c_uint)),
    "di_devlink_fini": (c_int, (POINTER(c_void_p),)),
}
_DEVICE = {
    "devctl_bus_acquire": (c_void_p, (c_char_p, c_uint)),
    "devctl_device_acquire": (c_void_p, (c_char_p, c_uint)),
    "devctl_release": (None, (c_void_p,)),
    "devctl_device_remove": (c_int, (c_void_p,)),
    "devctl_ddef_alloc": (c_void_p, (c_char_p, c_int)),
    "devctl_ddef_free": (None, (c_void_p,)),
    "devctl_ddef_string": (c_int, (c_void_p, c_char_p, c_char_p)),
    "devctl_ddef_int": (c_int, (c_void_p, c_char_p, c_int32)),
    "devctl_bus_dev_create": (c_int, (c_void_p, c_void_p, c_uint, POINTER(c_void_p))),
}


class DeviceTree:
    """
    The device tree of this system.  Each method may raise L{OSError}.
    """

    def __init__(self, loader: Loader) -> None:
        """
        @raise OSError: this system has none of this kind.
        """
        self._info = Functions(loader, "libdevinfo.so.1", _DEVINFO)
        self._device = Functions(loader, "libdevice.so.1", _DEVICE)

    def walk(self, visit: Callable[[int], None]) -> None:
        """
        Visit the nexus and every node below it, as they are at this moment.

        @param visit: called with each node, which is valid until it returns.
        """
        root = self._info.di_init(NEXUS_NODE, _SUBTREE | _MINORS | _PROPERTIES)
        if not root:
            raise failure("di_init failed")
        errors: list[Exception] = []

        def visited(node: int, _argument: object) -> int:
            # No exception finds its way through the library.
            try:
                visit(node)
            except Exception as e:
                errors.append(e)
                return _TERMINATE
            return _CONTINUE

        try:
            self._info.di_walk_node(root, _CHILDREN_FIRST, None, _Visit(visited))
        finally:
            self._info.di_fini(root)
        if errors:
            raise errors[0]

    def zoneOf(self, node: int) -> str | None:
        """
        The zone whose console a node is, or L{None} where it is none.
        """
        name = c_char_p()
        found = self._info.di_prop_lookup_strings(
            _ANY_DEVICE, node, b"zonename", ctypes.byref(name)
        )
        if found == -1 or name.value is None:
            return None
        return name.value.decode("utf-8", "surrogateescape")

    def fileOf(self, node: int) -> bytes:
        """
        The file that is a node.
        """
        path = self._info.di_devfs_path(node)
        if not path:
            raise failure("di_devfs_path failed")
        try:
            return b"/devices/" + ctypes.string_at(path)
        finally:
            self._info.di_devfs_path_free(path)

    def makeLinks(self) -> None:
        """
        Have the system make the links under C{/dev} to every console device.  Returns
        when they are made.
        """
        links = c_void_p(self._info.di_devlink_init(DRIVER, _MAKE_LINKS))
        if not links:
            raise failure("failed to create devlinks")
        self._info.di_devlink_fini(ctypes.byref(links))

    @contextmanager
    def device(self, file: bytes) -> Iterator[c_void_p]:
        """
        Control of a device while the context lasts.
        """
        handle = c_void_p(self._device.devctl_device_acquire(file, 0))
        if not handle:
            raise failure("it could not be controlled")
        try:
            yield handle
        finally:
            self._device.devctl_release(handle)

    def remove(self, device: c_void_p) -> None:
        """
        Remove a device, which fails while somebody has it open.
        """
        if self._device.devctl_device_remove(device) != 0:
            raise failure("it could not be removed")

    def creation(self) -> Creation:
        """
        Begin to make a device.
        """
        return Creation(self._device)


class Creation:
    """
    The making of one console device, and the handles that it takes.
    """

    def __init__(self, device: Functions) -> None:
        self._functions = device
        self._bus = c_void_p()
        self._definition = c_void_p()
        self._made = c_void_p()

    def create(self, zone: str) -> None:
        """
        Make it.

        The system is asked to choose the instance's number, and not to detach the
        device while nobody has it open, for it has to be there when the links are made.

        @raise OSError: it can't be made; L{free} is still to be called.
        """
        library = self._functions
        self._bus.value = library.devctl_bus_acquire(NEXUS_FILE, 0)
        if not self._bus:
            raise failure("devctl_bus_acquire failed")
        self._definition.value = library.devctl_ddef_alloc(DRIVER, 0)
        if not self._definition:
            raise failure("failed to allocate ddef handle")
        named = library.devctl_ddef_string(self._definition, b"zonename", zone.encode())
        if named == -1:
            raise failure("failed to create zonename property")
        for name in (b"auto-assign-instance", b"ddi-no-autodetach"):
            if library.devctl_ddef_int(self._definition, name, 1) == -1:
                raise failure(f"failed to create {name.decode()} property")
        made = library.devctl_bus_dev_create(
            self._bus, self._definition, 0, ctypes.byref(self._made)
        )
        if made == -1:
            raise failure("failed to create console node")

    def free(self) -> None:
        """
        Give all handles back.  Harmless to say twice.
        """
        for handle, free in (
            (self._definition, self._functions.devctl_ddef_free),
            (self._bus, self._functions.devctl_release),
            (self._made, self._functions.devctl_release),
        ):
            if handle:
                free(c_void_p(handle.value))
                handle.value = None
