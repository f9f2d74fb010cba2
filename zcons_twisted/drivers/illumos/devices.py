# -*- test-case-name: zcons_twisted.test.test_illumos_devices -*-
"""
One zone's console devices: counted, made, linked, held and removed.

What is called, in which order and with what, is what illumos' own C{zoneadmd} calls,
so that either can go on with what the other has left.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from typing import Protocol

from twisted.logger import Logger

from .tree import Creation, DeviceTree

__all__ = [
    "DEVICES",
    "HOLD_SUBSIDIARY",
    "MANAGER_NAMES",
    "RELEASE_SUBSIDIARY",
    "SET_READ_OPTIONS",
    "SUBSIDIARY_NAME",
    "ConsoleDevices",
    "FileCalls",
    "SystemFileCalls",
]

#: Where the links to console devices are.
DEVICES = "/dev/zcons"
#: The manager's name since 2022, and before.
MANAGER_NAMES = ("globalconsole", "masterconsole")
SUBSIDIARY_NAME = "zoneconsole"

#: Requests of sys/zcons.h, made of the manager with the subsidiary's descriptor: keep
#: the subsidiary open in the kernel ...
HOLD_SUBSIDIARY = 0x5A6F6E00
#: ... and no longer.
RELEASE_SUBSIDIARY = 0x5A6F6E01

# From stropts.h: I_SRDOPT with RNORM|RPROTDIS, by which a read takes bytes whatever
# messages they came in, and control parts are dropped instead of failing it.
SET_READ_OPTIONS = 0x5306
_BYTES_WITHOUT_CONTROL = 0x8

_OPEN = os.O_RDWR | os.O_NOCTTY


class FileCalls(Protocol):
    """
    The system calls that a console device takes.
    """

    def open(self, path: str, flags: int) -> int:
        """
        As L{os.open}.
        """

    def ioctl(self, fd: int, request: int, argument: int) -> int:
        """
        As L{fcntl.ioctl}.
        """

    def close(self, fd: int) -> None:
        """
        As L{os.close}.
        """


class SystemFileCalls:
    """
    The system's own.
    """

    def open(self, path: str, flags: int) -> int:
        """
        See L{FileCalls}.
        """
        return os.open(path, flags)

    def ioctl(self, fd: int, request: int, argument: int) -> int:
        """
        See L{FileCalls}.
        """
        answer: int = fcntl.ioctl(fd, request, argument)
        return answer

    def close(self, fd: int) -> None:
        """
        See L{FileCalls}.
        """
        os.close(fd)


class ConsoleDevices:
    """
    The console devices of one zone: an
    L{InstanceStore<zcons_twisted.drivers.instances.InstanceStore>}, with
    L{settle} to be called when it has done what it was asked for.

    @ivar path: where the zone's end is, as the global zone sees it.
    @ivar holdOwed: somebody else had the manager open, so that the subsidiary is still
        to be held by whoever opens it next.
    """

    _log = Logger()

    def __init__(self, zone: str, tree: DeviceTree, calls: FileCalls) -> None:
        """
        @param zone: the zone's name.
        @param tree: has the devices.
        @param calls: open them.
        """
        self.zone = zone
        self.path = self._file(SUBSIDIARY_NAME)
        self.holdOwed = False
        self._tree = tree
        self._calls = calls
        self._creations: list[Creation] = []
        # The manager and the subsidiary, while a hold is tried.
        self._opened: list[int] = []

    # As a store.

    def count(self) -> int:
        """
        How many nodes carry the zone's name.
        """
        found: list[int] = []
        self._walk(found.append)
        return len(found)

    def create(self) -> None:
        """
        Make one more.
        """
        creation = self._tree.creation()
        self._creations.append(creation)
        creation.create(self.zone)

    def makeLinks(self) -> None:
        """
        Have the system make the links to it.
        """
        self._tree.makeLinks()

    def hold(self) -> None:
        """
        Have the kernel keep the subsidiary open, so that the terminal modules below
        its anchor belong to the global zone and stay whatever the zone does.

        A file that is not there yet counts as a device that is still coming up.  What
        was opened stays open for the next try, until L{settle}.
        """
        try:
            self._openBoth()
            if self.holdOwed:
                return
            manager, subsidiary = self._opened
            self._calls.ioctl(manager, HOLD_SUBSIDIARY, subsidiary)
        except OSError as e:
            if e.errno != errno.ENXIO:
                self._close()
            raise
        self._close()

    def release(self) -> None:
        """
        Have the kernel let the subsidiary go.
        """
        manager = self.openManager(_OPEN)
        try:
            subsidiary = self._calls.open(self.path, _OPEN)
            try:
                self._calls.ioctl(manager, RELEASE_SUBSIDIARY, subsidiary)
            finally:
                self._calls.close(subsidiary)
        finally:
            self._calls.close(manager)

    def remove(self) -> tuple[int, int]:
        """
        Remove every node that carries the zone's name.  The system removes the links.

        @return: how many were removed, and how many there were.
        """
        removed: list[bool] = []
        self._walk(lambda node: removed.append(self._remove(node)))
        return sum(removed), len(removed)

    def settle(self) -> None:
        """
        Close and give back what the calls before this have left.
        """
        self._close()
        while self._creations:
            self._creations.pop().free()

    # For whoever serves the manager.

    def openManager(self, flags: int) -> int:
        """
        Open the manager, under whichever name it has here.

        @raise OSError: it can't be opened.
        """
        for name in MANAGER_NAMES[:-1]:
            try:
                return self._calls.open(self._file(name), flags)
            except FileNotFoundError:
                continue
        return self._calls.open(self._file(MANAGER_NAMES[-1]), flags)

    def openToServe(self) -> int:
        """
        Open the manager to be served: without waiting, and so that messages of the
        zone that are not plain bytes make no read fail.

        @raise OSError: it can't be had; the message says what failed.
        """
        manager = self.openManager(_OPEN | os.O_NONBLOCK)
        step = "failed to set options on console manager"
        try:
            self._calls.ioctl(manager, SET_READ_OPTIONS, _BYTES_WITHOUT_CONTROL)
            if self.holdOwed:
                step = "error while acquiring subsidiary handle"
                self._holdBy(manager)
        except OSError as e:
            self._calls.close(manager)
            raise OSError(e.errno, f"{step}: {e.strerror}") from e
        return manager

    # Inside.

    def _file(self, name: str) -> str:
        return f"{DEVICES}/{self.zone}/{name}"

    def _walk(self, visit: Callable[[int], None]) -> None:
        """
        Visit the nodes that carry the zone's name.
        """

        def visited(node: int) -> None:
            if self._tree.zoneOf(node) == self.zone:
                visit(node)

        self._tree.walk(visited)

    def _remove(self, node: int) -> bool:
        file = self._tree.fileOf(node)
        try:
            with self._tree.device(file) as device:
                self._tree.remove(device)
        except OSError as e:
            self._log.warn(
                "WARNING: console {file} found, but {why}",
                file=file.decode("utf-8", "replace"),
                why=e.strerror or str(e),
            )
            return False
        return True

    def _holdBy(self, manager: int) -> None:
        subsidiary = self._calls.open(self.path, _OPEN)
        try:
            self._calls.ioctl(manager, HOLD_SUBSIDIARY, subsidiary)
        finally:
            self._calls.close(subsidiary)
        self.holdOwed = False

    def _openBoth(self) -> None:
        """
        Open the manager and the subsidiary, or note that somebody else has the first.
        """
        self.holdOwed = False
        try:
            if not self._opened:
                self._opened.append(self.openManager(_OPEN))
            if len(self._opened) == 1:
                self._opened.append(self._calls.open(self.path, _OPEN))
        except OSError as e:
            if e.errno == errno.ENOENT:
                raise OSError(errno.ENXIO, e.strerror) from e
            if e.errno != errno.EBUSY or self._opened:
                raise
            self.holdOwed = True
            self._log.warn(
                "{zone}: somebody else has the console manager open; the subsidiary is"
                " held when that is over",
                zone=self.zone,
            )

    def _close(self) -> None:
        """
        The subsidiary first.
        """
        while self._opened:
            self._calls.close(self._opened.pop())
