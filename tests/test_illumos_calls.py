"""
What the illumos driver asks the system for, call by call, against a library that plays
the system.

The lists of calls are those of C{init_console_dev} and C{destroy_console_devs} of the
system's own C{zoneadmd}: what they call, in which order, and with what.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from illumos_support import INSTALLED, RUNNING, Illumos, compileLibrary

OPENED_MANAGER = "open(/dev/zcons/z/globalconsole, O_RDWR|O_NOCTTY) = ok"
OPENED_SUBSIDIARY = "open(/dev/zcons/z/zoneconsole, O_RDWR|O_NOCTTY) = ok"
OPENED = [OPENED_MANAGER, OPENED_SUBSIDIARY]
CLOSED = ["close(subsidiary)", "close(manager)"]
HELD = "ioctl(manager, HOLD, subsidiary) = 0"
NOT_HELD = "ioctl(manager, HOLD, subsidiary) = -1"
RELEASED = [*OPENED, "ioctl(manager, RELEASE, subsidiary) = 0", *CLOSED]
ACQUIRED = [
    "devctl_bus_acquire(/devices/pseudo/zconsnex@1, 0) = bus",
    "devctl_ddef_alloc(zcons, 0) = ddef",
]
DEFINED = [
    "devctl_ddef_string(ddef, zonename, z) = 0",
    "devctl_ddef_int(ddef, auto-assign-instance, 1) = 0",
    "devctl_ddef_int(ddef, ddi-no-autodetach, 1) = 0",
]
CREATED = [*ACQUIRED, *DEFINED, "devctl_bus_dev_create(bus, ddef, 0) = 0"]
LINKED = ["di_devlink_init(zcons, 1) = links", "di_devlink_fini(links)"]
FREED_DEFINITION = "devctl_ddef_free(ddef)"
FREED_BUS = "devctl_release(bus)"
FREED = [FREED_DEFINITION, FREED_BUS, "devctl_release(made)"]
NO_TREE = "di_init(/pseudo/zconsnex@1, 0xdf07) = NULL"


def walked(**nodes: str | list[str]) -> list[str]:
    """
    A walk through the tree.

    @param nodes: the zone of each node, or what is called for it.
    """
    calls = [
        "di_init(/pseudo/zconsnex@1, 0xdf07) = root",
        "di_walk_node(root, 0)",
        "di_prop_lookup_strings(-2, root, zonename) = none",
    ]
    for node, what in nodes.items():
        zone = what if isinstance(what, str) else "z"
        calls.append(f"di_prop_lookup_strings(-2, {node}, zonename) = {zone}")
        if not isinstance(what, str):
            calls += what
    return [*calls, "di_fini(root)"]


def removed(number: int, acquire: str = "device", remove: int = 0) -> list[str]:
    """
    The removal of one node.
    """
    path = f"/pseudo/zconsnex@1/zcons@{number}"
    calls = [
        f"di_devfs_path(node{number})",
        f"di_devfs_path_free({path})",
        f"devctl_device_acquire(/devices/{path}, 0) = {acquire}",
    ]
    if acquire != "NULL":
        calls.append(f"devctl_device_remove(device) = {remove}")
        calls.append("devctl_release(device)")
    return calls


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The system's libraries.
    """
    return compileLibrary(tmp_path_factory.mktemp("illumos"))


@pytest.fixture
def illumos(library: Path, tmp_path: Path) -> Illumos:
    """
    A system with no consoles yet.
    """
    return Illumos(library, tmp_path / "illumos")


def does(illumos: Illumos, *actions: str) -> dict[str, Any]:
    """
    Have a driver of the zone do something.
    """
    told: dict[str, Any] = illumos.run("illumos_side.py", "z", *actions)
    return told


def inits(illumos: Illumos, seconds: int = 0) -> None:
    """
    The console can be had.
    """
    told = does(illumos, "init")
    assert told["results"] == [None]
    assert told["seconds"] == seconds


def initFails(illumos: Illumos, why: str) -> None:
    """
    The console can't be had.
    """
    (error,) = does(illumos, "init")["results"]
    assert error == f"console setup: could not {why}"


def test_none(illumos: Illumos) -> None:
    """
    Where there is no device one is made, with all three properties; the handles are
    given back last.
    """
    inits(illumos)
    assert illumos.calls() == [
        *walked(),
        *CREATED,
        *LINKED,
        *OPENED,
        HELD,
        *CLOSED,
        *FREED,
    ]
    assert illumos.nodes() == {0: "z"}


def test_one(illumos: Illumos) -> None:
    """
    The one that is there is used again, but its links are made anew.
    """
    illumos.node(0, "another")
    illumos.node(3)
    inits(illumos)
    assert illumos.calls() == [
        *walked(node0="another", node3="z"),
        *LINKED,
        *OPENED,
        HELD,
        *CLOSED,
    ]


def test_several(illumos: Illumos) -> None:
    """
    Several are all removed, and one is made.
    """
    illumos.write("links")
    illumos.node(0)
    illumos.node(1, "zz")
    illumos.node(2)
    told = does(illumos, "init")
    assert told["results"] == [None]
    assert illumos.calls() == [
        *walked(node0="z", node1="zz", node2="z"),
        *RELEASED,
        *walked(node0=removed(0), node1="zz", node2=removed(2)),
        *CREATED,
        *LINKED,
        *OPENED,
        HELD,
        *CLOSED,
        *FREED,
    ]
    assert told["warnings"] == [
        "WARNING: multiple zone console instances detected for zone 'z'; 2 of 2"
        " successfully removed."
    ]
    assert illumos.nodes() == {0: "z", 1: "zz"}


def test_unknown(illumos: Illumos) -> None:
    """
    Where nobody can tell how many there are, all are removed and one is made.
    """
    illumos.write("links")
    illumos.node(0)
    illumos.fails(("di_init", errno.EAGAIN, 1))
    inits(illumos)
    assert illumos.calls() == [
        NO_TREE,
        *RELEASED,
        *walked(node0=removed(0)),
        *CREATED,
        *LINKED,
        *OPENED,
        HELD,
        *CLOSED,
        *FREED,
    ]


def test_noTree(illumos: Illumos) -> None:
    """
    Where the device tree can't be read at all, nothing is made.
    """
    illumos.fails(("di_init", errno.EPERM, 9))
    initFails(
        illumos,
        "remove all instances of the console device of zone 'z': di_init failed:"
        " Operation not permitted",
    )
    assert not [call for call in illumos.calls() if call.startswith("devctl")]


def test_oldName(illumos: Illumos) -> None:
    """
    The manager is found under its name of before 2022 as well.
    """
    illumos.write("oldnames")
    inits(illumos)
    start = len([*walked(), *CREATED, *LINKED])
    assert illumos.calls()[start:] == [
        "open(/dev/zcons/z/globalconsole, O_RDWR|O_NOCTTY) = ENOENT",
        "open(/dev/zcons/z/masterconsole, O_RDWR|O_NOCTTY) = ok",
        OPENED_SUBSIDIARY,
        HELD,
        *CLOSED,
        *FREED,
    ]


@pytest.mark.parametrize(
    ("what", "calls", "why"),
    [
        (
            "devctl_bus_acquire",
            ["devctl_bus_acquire(/devices/pseudo/zconsnex@1, 0) = NULL"],
            "devctl_bus_acquire failed",
        ),
        (
            "devctl_ddef_alloc",
            [ACQUIRED[0], "devctl_ddef_alloc(zcons, 0) = NULL", FREED_BUS],
            "failed to allocate ddef handle",
        ),
        (
            "zonename",
            [
                *ACQUIRED,
                "devctl_ddef_string(ddef, zonename, z) = -1",
                FREED_DEFINITION,
                FREED_BUS,
            ],
            "failed to create zonename property",
        ),
        (
            "auto-assign-instance",
            [
                *ACQUIRED,
                DEFINED[0],
                "devctl_ddef_int(ddef, auto-assign-instance, 1) = -1",
                FREED_DEFINITION,
                FREED_BUS,
            ],
            "failed to create auto-assign-instance property",
        ),
        (
            "ddi-no-autodetach",
            [
                *ACQUIRED,
                *DEFINED[:2],
                "devctl_ddef_int(ddef, ddi-no-autodetach, 1) = -1",
                FREED_DEFINITION,
                FREED_BUS,
            ],
            "failed to create ddi-no-autodetach property",
        ),
        (
            "devctl_bus_dev_create",
            [
                *ACQUIRED,
                *DEFINED,
                "devctl_bus_dev_create(bus, ddef, 0) = -1",
                FREED_DEFINITION,
                FREED_BUS,
            ],
            "failed to create console node",
        ),
    ],
)
def test_createFails(illumos: Illumos, what: str, calls: list[str], why: str) -> None:
    """
    At whichever step the making fails, what was had until then is given back.
    """
    illumos.fails((what, errno.EPERM, 1))
    initFails(
        illumos,
        f"create the console device of zone 'z': {why}: Operation not permitted",
    )
    assert illumos.calls() == [*walked(), *calls]
    assert illumos.nodes() == {}


def test_linksFail(illumos: Illumos) -> None:
    """
    Without links there is no console; the node that was made stays, and is used again.
    """
    illumos.fails(("di_devlink_init", errno.EPERM, 1))
    initFails(
        illumos,
        "create links to the console device of zone 'z': failed to create devlinks:"
        " Operation not permitted",
    )
    assert illumos.calls() == [
        *walked(),
        *CREATED,
        "di_devlink_init(zcons, 1) = NULL",
        *FREED,
    ]
    assert illumos.nodes() == {0: "z"}


def test_holdWhileComingUp(illumos: Illumos) -> None:
    """
    A device that is still coming up is asked again a second later, without being
    opened anew.
    """
    illumos.fails(("HOLD", errno.ENXIO, 2))
    inits(illumos, seconds=2)
    start = len([*walked(), *CREATED, *LINKED])
    assert illumos.calls()[start:] == [
        *OPENED,
        NOT_HELD,
        NOT_HELD,
        HELD,
        *CLOSED,
        *FREED,
    ]


def test_holdNeverComesUp(illumos: Illumos) -> None:
    """
    It is asked five times in all.
    """
    illumos.fails(("HOLD", errno.ENXIO, 9))
    initFails(
        illumos,
        "hold the subsidiary of the console device of zone 'z': No such device or"
        " address",
    )
    start = len([*walked(), *CREATED, *LINKED])
    assert illumos.calls()[start:] == [*OPENED, *[NOT_HELD] * 5, *CLOSED, *FREED]


def test_holdFails(illumos: Illumos) -> None:
    """
    Any other error is final.
    """
    illumos.fails(("HOLD", errno.EINVAL, 1))
    initFails(
        illumos,
        "hold the subsidiary of the console device of zone 'z': Invalid argument",
    )
    start = len([*walked(), *CREATED, *LINKED])
    assert illumos.calls()[start:] == [*OPENED, NOT_HELD, *CLOSED, *FREED]


def test_subsidiaryCantBeOpened(illumos: Illumos) -> None:
    """
    A subsidiary that can't be opened is an error, and the manager is closed.
    """
    illumos.fails(("open:subsidiary", errno.EACCES, 1))
    initFails(
        illumos,
        "hold the subsidiary of the console device of zone 'z': Permission denied",
    )
    start = len([*walked(), *CREATED, *LINKED])
    assert illumos.calls()[start:] == [
        OPENED_MANAGER,
        OPENED_SUBSIDIARY.replace("ok", "EACCES"),
        "close(manager)",
        *FREED,
    ]


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENXIO])
def test_filesWhileComingUp(illumos: Illumos, number: int) -> None:
    """
    Files that are not there yet are waited for as well, which C{zoneadmd} does not do:
    what the manager was opened for is not opened twice.
    """
    illumos.fails(("open:subsidiary", number, 2))
    inits(illumos, seconds=2)
    start = len([*walked(), *CREATED, *LINKED])
    refused = OPENED_SUBSIDIARY.replace("ok", errno.errorcode[number])
    assert illumos.calls()[start:] == [
        OPENED_MANAGER,
        refused,
        refused,
        OPENED_SUBSIDIARY,
        HELD,
        *CLOSED,
        *FREED,
    ]


def test_managerBusy(illumos: Illumos) -> None:
    """
    Somebody else who has the manager open does not keep the zone from being served.
    """
    illumos.fails(("open:manager", errno.EBUSY, 1))
    told = does(illumos, "init")
    assert told["results"] == [None]
    assert told["warnings"] == [
        "z: somebody else has the console manager open; the subsidiary is held when"
        " that is over"
    ]


def test_destroy(illumos: Illumos) -> None:
    """
    The subsidiary is released while it is held open, and then the node is removed.
    """
    illumos.write("links")
    illumos.node(0, "a")
    illumos.node(1)
    told = does(illumos, "destroy")
    assert told == {"results": [[1, 1]], "warnings": [], "seconds": 0}
    assert illumos.calls() == [*RELEASED, *walked(node0="a", node1=removed(1))]
    assert illumos.nodes() == {0: "a"}


@pytest.mark.parametrize("state", [RUNNING, INSTALLED, None])
def test_destroyByState(illumos: Illumos, state: int | None) -> None:
    """
    A zone that is in the kernel keeps its device; one that is down, or gone for good,
    does not.
    """
    does(illumos, "init")
    before = len(illumos.calls())
    # The driver is made while there is a zone.
    told = illumos.run("illumos_side.py", "z", f"state:{state}", "destroy")
    assert told["results"][1] == ([0, 0] if state == RUNNING else [1, 1])
    assert (len(illumos.calls()) == before) is (state == RUNNING)
    assert bool(illumos.nodes()) is (state == RUNNING)


def test_destroyUntold(illumos: Illumos) -> None:
    """
    A zone of which nobody can tell keeps its device.
    """
    illumos.node(0)
    illumos.fails(("zone_get_state", 0, 9))
    told = does(illumos, "destroy")
    assert told["results"] == [[0, 0]]
    assert told["warnings"] == [
        "z: unable to determine state of zone: error 2; its console device stays"
    ]
    assert illumos.nodes() == {0: "z"}


def test_releaseFails(illumos: Illumos) -> None:
    """
    A subsidiary that can't be released is a warning; the node goes all the same.
    """
    illumos.write("links")
    illumos.node(0)
    illumos.fails(("RELEASE", errno.EINVAL, 1))
    told = does(illumos, "destroy")
    assert told["results"] == [[1, 1]]
    assert told["warnings"] == [
        "WARNING: error while releasing subsidiary handle of zone console for z:"
        " Invalid argument"
    ]


@pytest.mark.parametrize(
    ("what", "calls", "why"),
    [
        ("devctl_device_acquire", removed(0, "NULL"), "controlled"),
        ("devctl_device_remove", removed(0, remove=-1), "removed"),
    ],
)
def test_removeFails(illumos: Illumos, what: str, calls: list[str], why: str) -> None:
    """
    A node that can't be removed is a warning, and the others are removed.
    """
    illumos.write("links")
    illumos.node(0)
    illumos.node(1)
    illumos.fails((what, errno.EBUSY, 1))
    told = does(illumos, "destroy")
    assert told["results"] == [[1, 2]]
    assert told["warnings"] == [
        "WARNING: console /devices//pseudo/zconsnex@1/zcons@0 found, but it could not"
        f" be {why}: Device or resource busy",
        "WARNING: multiple zone console instances detected for zone 'z'; 1 of 2"
        " successfully removed.",
    ]
    assert illumos.calls() == [*RELEASED, *walked(node0=calls, node1=removed(1))]


def test_again(illumos: Illumos) -> None:
    """
    What was destroyed can be had again.
    """
    told = does(illumos, "init", "destroy", "init")
    assert told["results"] == [None, [1, 1], None]
    assert illumos.nodes() == {0: "z"}
