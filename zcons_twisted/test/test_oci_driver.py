# -*- test-case-name: zcons_twisted.test.test_oci_driver -*-
"""
Tests for L{zcons_twisted.oci.driver}.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import stat
import struct
import termios
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from ..errors import BadOption
from ..events import ZoneEvent, ZoneState
from ..interfaces import (
    DriverOptions,
    IAdjustableDriver,
    IConsoleDriver,
    IOutlivingDriver,
    IZoneLife,
    IZoneReady,
    IZoneStates,
)
from ..nexus.pair import PtyInstance
from ..oci.driver import OciDriver, findRuntime, makeDriver
from ..rundir import RunDirectory
from ..testing import FakeProcess, FakeReactor, MemoryEvents, MemoryReceiver
from .oci_case import shortDirectory


class Spawner:
    """
    Hears of ends.
    """

    def __init__(self, ends: list[tuple[object, ...]]) -> None:
        self._ends = ends

    def ended(self, *how: object) -> None:
        """
        Remember one.
        """
        self._ends.append(how)


class OciDriverTests(SynchronousTestCase):
    """
    The oci driver is a pty and a shim.
    """

    def setUp(self) -> None:
        """
        A run directory of our own, a bundle and a runtime that is never run.
        """
        self.reactor = FakeReactor()
        self.rundir = RunDirectory(os.path.join(shortDirectory(self), "run"))
        self.events = MemoryEvents()
        self.bundle = os.path.abspath(self.mktemp())
        os.mkdir(self.bundle)
        self.configure(False)
        self.options = DriverOptions(bundle=self.bundle, runtime=("true", "--x"))

    def configure(self, terminal: bool) -> None:
        """
        Write the bundle's configuration.
        """
        process = {"terminal": terminal}
        with open(os.path.join(self.bundle, "config.json"), "w") as file:
            json.dump({"process": process, "root": {"path": "r"}}, file)

    def make(self, **different: object) -> OciDriver:
        """
        A driver, as a plugin makes it.
        """
        options = replace(self.options, **different)  # type: ignore[arg-type]
        driver = makeDriver(self.reactor, "z", self.rundir, options, self.events)
        assert isinstance(driver, OciDriver)
        return driver

    def serve(self, **different: object) -> OciDriver:
        """
        One that has its device.
        """
        driver = self.make(**different)
        self.settled(driver.init())
        self.addCleanup(lambda: self.settled(driver.destroy()))
        return driver

    def settled(self, done: Deferred[Any]) -> Any:
        """
        What a Deferred gives when everything that is due has been done.
        """
        self.reactor.settle()
        return self.successResultOf(done)

    def life(self, driver: OciDriver) -> IZoneLife:
        """
        What boots and halts it.
        """
        assert driver.life is not None
        return driver.life

    @property
    def process(self) -> FakeProcess:
        """
        The shim.
        """
        return self.reactor.processes[-1]

    def spec(self) -> dict[str, object]:
        """
        What it was told.
        """
        found: dict[str, object] = json.loads(self.process.arguments[-1])
        return found

    # Made.

    def test_interfaces(self) -> None:
        """
        It is all that a driver can be.
        """
        driver = self.make()
        for interface in (IConsoleDriver, IOutlivingDriver, IAdjustableDriver):
            verifyObject(interface, driver)
        verifyObject(IZoneStates, driver.states)
        verifyObject(IZoneLife, driver.life)
        self.assertEqual(driver.kind, "oci")

    def test_refused(self) -> None:
        """
        Without a bundle or a runtime there is none; the reason is one line.
        """
        for different, why in (
            ({"bundle": ""}, "the oci driver needs --oci BUNDLE"),
            ({"bundle": "/none\x1b"}, "/none\\x1b/config.json: No such file"),
            ({"runtime": ("no-such-program",)}, "no-such-program is not installed"),
        ):
            options = replace(self.options, **different)
            error = self.assertRaises(
                BadOption, makeDriver, self.reactor, "z", self.rundir, options, None
            )
            self.assertTrue(str(error).startswith("zone 'z': "), str(error))
            self.assertIn(why, str(error))
            self.assertTrue(str(error).isprintable())

    def test_findRuntime(self) -> None:
        """
        A runtime that is not named is crun, or else runc.
        """
        path = os.path.abspath(self.mktemp())
        os.mkdir(path)
        environ = {"PATH": path}
        error = self.assertRaises(BadOption, findRuntime, (), environ)
        self.assertIn("neither crun nor runc is installed", str(error))
        for name in ("runc", "crun"):
            with open(os.path.join(path, name), "w") as file:
                os.fchmod(file.fileno(), 0o755)
            found = findRuntime((), environ)
            self.assertEqual(found, (os.path.join(path, name),))
        self.assertEqual(
            findRuntime(("runc", "--root", "x"), environ),
            (os.path.join(path, "runc"), "--root", "x"),
        )

    # Booted.

    def test_boots(self) -> None:
        """
        It boots a shim, with what that needs to know, on the console.
        """
        driver = self.serve()
        self.life(driver).boot("-s")
        home = os.path.abspath(os.path.join(self.rundir.path, "oci", "z"))
        self.assertEqual(
            self.spec(),
            {
                "home": home,
                "container": "z",
                "bundle": self.bundle,
                "runtime": ["/usr/bin/true", "--x"],
                "console": "own",
            },
        )
        self.assertEqual(stat.S_IMODE(os.stat(home).st_mode), 0o700)
        self.assertEqual(self.process.arguments[1], "-IS")
        self.assertTrue(self.process.arguments[2].endswith("oci/shim.py"))
        self.assertEqual(self.process.arguments[3], "life")
        self.assertEqual(self.process.environment["ZONENAME"], "z")
        self.assertEqual(self.process.environment["ZONE_BOOT_ARGS"], "-s")
        self.goesDown(driver)

    def goesDown(self, driver: OciDriver, status: int = 0) -> None:
        """
        The shim ends.
        """
        self.process.begins()
        self.process.ends(status)
        for _ in range(4):
            self.reactor.pump([0.02])

    def test_chosen(self) -> None:
        """
        What the options say goes before what follows from the zone and the bundle.
        """
        self.configure(True)
        for different, container, console in (
            ({}, "z", "runtime"),
            ({"console": "own", "container": "box"}, "box", "own"),
        ):
            driver = self.make(**different)
            found = json.loads(driver._spec)
            self.assertEqual(
                (found["container"], found["console"]), (container, console)
            )

    def test_adjusted(self) -> None:
        """
        Options that change while it is served don't make it forget what to run.
        """
        driver = self.serve()
        driver.adjust(replace(self.options, respawn="always"))
        self.life(driver).boot("")
        self.assertEqual(self.process.arguments[3], "life")
        self.goesDown(driver, 1)
        self.assertIs(driver.states.state(), ZoneState.DOWN)
        self.settled(self.life(driver).halt())

    def test_readied(self) -> None:
        """
        Created, it is readied; what the shim tells goes to the log.
        """
        driver = self.serve()
        self.life(driver).boot("")
        with capturedLogs() as told:
            self.settled(driver._heard({"told": "a\x1bb"}, -1))
        self.assertEqual(formatEvent(told[0]), "z: a\\x1bb")
        self.settled(driver._heard({"created": "z"}, -1))
        self.goesDown(driver)
        # Too late.
        self.settled(driver._heard({"created": "z"}, -1))
        self.assertEqual(
            [event for event, _ in self.events.events],
            [ZoneEvent.BOOTING, ZoneEvent.READIED, ZoneEvent.HALTED],
        )

    def test_ready(self) -> None:
        """
        A container that is only to be made has another shim.
        """
        driver = self.serve()
        done = IZoneReady(driver.life).ready()
        self.assertEqual(self.process.arguments[-2:-1], ["ready"])
        self.settled(driver._heard({"created": "z"}, -1))
        self.assertEqual(self.successResultOf(done), "zone ready")
        self.goesDown(driver)

    def test_ended(self) -> None:
        """
        What the nexus can't tell of a shim's end the shim may have told; what it can is
        right.
        """
        for status, code, number in ((5 << 8, 5, None), (9, None, 9)):
            ends: list[tuple[object, ...]] = []
            driver = self.make()
            self.patch(driver, "_spawner", Spawner(ends))
            driver.ended(77, None, None)
            for pid in (78, "x"):
                self.settled(driver._heard({"ended": status, "pid": pid}, -1))
                driver.ended(77, None, None)
            self.settled(driver._heard({"ended": status, "pid": 77}, -1))
            driver.ended(77, None, None)
            driver.ended(77, 0, None)
            driver.ended(77, None, 15)
            unknown = (77, None, None)
            self.assertEqual(
                ends,
                [unknown] * 3 + [(77, code, number), (77, 0, None), (77, None, 15)],
            )

    # The runtime's terminal.

    def test_exchange(self) -> None:
        """
        The runtime's pty comes in the place of the one before: what was printed on
        that is taken, what was typed there goes on, the window stays; and the open
        manager is that of the new one.
        """
        driver = self.serve()
        receiver = MemoryReceiver()
        manager = driver.open(receiver)
        manager.setWindow(50, 132)
        before = driver.openSubsidiary()
        self.addCleanup(os.close, before)
        os.write(before, b"printed")
        manager.writeNow(b"whole line\nhalf a ")
        self.arrives(before)
        made = PtyInstance("z")
        self.addCleanup(made.close)
        manager.resumeReading()
        self.life(driver).boot("")
        self.settled(driver._heard({"created": "z"}, os.dup(made.master)))
        self.assertIn(b"printed", receiver.printed)
        after = made.openSubsidiary()
        self.addCleanup(os.close, after)
        size = fcntl.ioctl(after, termios.TIOCGWINSZ, b"\0" * 8)
        self.assertEqual(struct.unpack("4H", size)[:2], (50, 132))
        manager.writeNow(b"line\n")
        self.assertEqual(os.read(after, 100), b"whole line\n")
        self.assertEqual(os.read(after, 100), b"half a line\n")
        os.write(after, b"new words")
        select.select([made.master], [], [], 60)
        self.reactor.settle()
        self.assertTrue(receiver.printed.endswith(b"new words"), receiver.printed)
        manager.close()
        self.goesDown(driver)

    def arrives(self, subsidiary: int) -> None:
        """
        The kernel takes its own time to hand bytes to the other end of a pty.
        """
        self.assertTrue(select.select([subsidiary], [], [], 60)[0])

    def test_noTerminal(self) -> None:
        """
        What is none is refused, and the device stays as it was.
        """
        driver = self.serve()
        before = driver.pair
        null = os.open(os.devnull, os.O_RDWR)
        failure = self.failureResultOf(driver._heard({"created": "z"}, null), OSError)
        self.assertIn("no terminal", str(failure.value))
        self.assertRaises(OSError, os.fstat, null)
        self.assertIs(driver.pair, before)

    def test_uninvited(self) -> None:
        """
        A descriptor that nothing is said of is closed.
        """
        null = os.open(os.devnull, os.O_RDWR)
        self.settled(self.make()._heard({}, null))
        self.assertRaises(OSError, os.fstat, null)

    def test_noDevice(self) -> None:
        """
        Without a device there is nothing to exchange.
        """
        made = PtyInstance("z")
        self.failureResultOf(self.make()._heard({"created": ""}, made.master), OSError)
        self.assertRaises(OSError, os.fstat, made.master)

    # Gone.

    def test_destroyed(self) -> None:
        """
        With the device goes all that was in the run directory.
        """
        driver = self.make()
        self.settled(driver.init())
        self.assertEqual(os.listdir(os.path.join(self.rundir.path, "oci", "z")), ["s"])
        self.settled(driver.destroy())
        self.assertEqual(os.listdir(self.rundir.path), [])

    def test_left(self) -> None:
        """
        A device that is left is not listened for, and the directory stays.
        """
        driver = self.serve()
        self.settled(driver.leave(b""))
        self.assertEqual(os.listdir(os.path.join(self.rundir.path, "oci", "z")), [])
