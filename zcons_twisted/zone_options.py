# -*- test-case-name: zcons_twisted.test.test_zone_options -*-
"""
L{ZONE_OPTIONS}: every option of a zone, in one table.  The command line, the
configuration file, its reference and the reload of a running server are made from it.

To add an option: add a field to L{DriverOptions} (where it concerns a driver) or to
L{ZoneConfig}, with its default; add a row here; describe it in
C{docs/reference/server-options.rst}, as a test demands.  An option that names what a
driver is to do C{implies} that driver, so that nobody has to name it as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .console import OnHalt
from .drivers.zone_process import RESPAWN_POLICIES
from .errors import BadOption
from .history import HISTORY_MAX, HISTORY_MIN
from .interfaces import DriverOptions
from .option_values import (
    Check,
    byteSize,
    choice,
    command,
    commandOrWords,
    containerId,
    member,
    number,
    path,
    pathFromHere,
    seconds,
    size,
    text,
)
from .systems import hasConsoleDevices
from .zone_config import ZoneConfig

__all__ = [
    "DEFAULT_DRIVER",
    "ENDING_DRIVERS",
    "GRACE_MAX",
    "OWN_DRIVERS",
    "ZONE_OPTIONS",
    "ZoneOption",
    "conflicts",
    "driverOf",
    "zoneConfig",
]

#: Most seconds that something may be given to end.
GRACE_MAX = 3600.0

#: What makes the device where no option says anything else.
DEFAULT_DRIVER = "zcons" if hasConsoleDevices() else "pty"

#: The drivers whose consoles end with their zones unless told otherwise: something
#: else begins with the zone's next boot.
ENDING_DRIVERS = frozenset({"zcons"})

#: The drivers whose options are all in this table; those of others may use any.
OWN_DRIVERS = frozenset({"pty", "exec", "oci", "endpoint", "zcons"})


@dataclass(frozen=True, slots=True)
class ZoneOption:
    """
    An option of a zone.

    @ivar name: what it is called: C{--NAME} on the command line, C{NAME} in a file.
    @ivar metavar: what its value is called in texts for people.
    @ivar help: one line for people, with the default.
    @ivar text: makes its value from the text of a command line.
    @ivar field: where the value goes: a field of L{DriverOptions} or L{ZoneConfig}.
    @ivar toml: makes its value from that of a file; where L{None}, L{text} does.
    @ivar drivers: those that it is of use to, or L{None} for all.
    @ivar implies: the driver that is meant when this option is given.
    @ivar live: it can be changed while the zone is served.
    """

    name: str
    metavar: str
    help: str
    text: Check
    field: str
    toml: Check | None = None
    drivers: frozenset[str] | None = None
    implies: str | None = None
    live: bool = False

    def fromText(self, given: str) -> object:
        """
        The value that a command line gives.

        @raise BadOption: it can't be used; the message says what is wanted.
        """
        return self.text(given)

    def fromToml(self, given: object) -> object:
        """
        The value that a configuration file gives.

        @raise BadOption: it can't be used; the message says what is wanted.
        """
        return (self.toml or self.text)(given)

    def isFor(self, driver: str) -> bool:
        """
        Is it of use to a driver?
        """
        return (
            self.drivers is None
            or driver in self.drivers
            or driver not in OWN_DRIVERS | _impliable()
        )

    def of(self, config: ZoneConfig) -> object:
        """
        Its value in a zone's configuration.
        """
        holder = config.options if self.field in _DRIVER_FIELDS else config
        return getattr(holder, self.field)


#: Every option, by its name.
ZONE_OPTIONS: dict[str, ZoneOption] = {
    option.name: option
    for option in (
        ZoneOption(
            "driver",
            "KIND",
            "What makes the device: pty, exec, oci, endpoint, zcons or another plugin"
            " [default: by what it is to do].",
            text("the name of a driver"),
            "driver",
        ),
        ZoneOption(
            "exec",
            "COMMAND",
            "Run this command on the console, as the zone.",
            command,
            "command",
            toml=commandOrWords,
            drivers=frozenset({"exec"}),
            implies="exec",
        ),
        ZoneOption(
            "term",
            "TYPE",
            "The type of terminal that the command is told of, TERM [default: the"
            " server's own, or else vt100].",
            text("a type of terminal"),
            "term",
            drivers=frozenset({"exec"}),
        ),
        ZoneOption(
            "oci",
            "BUNDLE",
            "Run this OCI bundle as the zone.",
            pathFromHere("a bundle's directory"),
            "bundle",
            toml=path("a bundle's directory"),
            drivers=frozenset({"oci"}),
            implies="oci",
        ),
        ZoneOption(
            "runtime",
            "COMMAND",
            "The OCI runtime, with options of its own [default: crun, or else runc].",
            command,
            "runtime",
            toml=commandOrWords,
            drivers=frozenset({"oci"}),
        ),
        ZoneOption(
            "id",
            "ID",
            "The container's ID [default: the zone's name].",
            containerId,
            "container",
            drivers=frozenset({"oci"}),
        ),
        ZoneOption(
            "console",
            "own|runtime",
            "Whose terminal is the container's console: ours, the same for all its"
            " lives, or its runtime's [default: by the bundle's process.terminal].",
            choice("own", "runtime"),
            "console",
            drivers=frozenset({"oci"}),
        ),
        ZoneOption(
            "respawn",
            "|".join(RESPAWN_POLICIES),
            "When it ends by itself: never (the default), on-failure or always.",
            choice(*RESPAWN_POLICIES),
            "respawn",
            drivers=frozenset({"exec", "oci"}),
            live=True,
        ),
        ZoneOption(
            "grace",
            "SECONDS",
            "Seconds that it is given to end before it is killed [default: 10].",
            seconds(GRACE_MAX),
            "grace",
            toml=number(GRACE_MAX),
            drivers=frozenset({"exec", "oci", "endpoint"}),
            live=True,
        ),
        ZoneOption(
            "endpoint",
            "STRING",
            "Connect to this Twisted client endpoint, which is the zone's console.",
            text("an endpoint"),
            "endpoint",
            drivers=frozenset({"endpoint"}),
            implies="endpoint",
        ),
        ZoneOption(
            "qmp",
            "SOCKET",
            "The QMP socket of QEMU, where the zone is a virtual machine.",
            pathFromHere("a socket"),
            "qmp",
            toml=path("a socket"),
            drivers=frozenset({"endpoint"}),
        ),
        ZoneOption(
            "qmp-chardev",
            "ID",
            "What QEMU calls the console's character device [default: found out].",
            text("an ID"),
            "qmpChardev",
            drivers=frozenset({"endpoint"}),
        ),
        ZoneOption(
            "history",
            "SIZE",
            "Bytes of output that are kept, with K, M or G [default: 1M].",
            byteSize(HISTORY_MIN, HISTORY_MAX),
            "history",
            toml=size(HISTORY_MIN, HISTORY_MAX),
        ),
        ZoneOption(
            "on-halt",
            "stay|exit",
            "When the zone is down and nobody is attached: stay, or exit"
            " [default: stay, but exit with the zcons driver].",
            member(OnHalt),
            "onHalt",
            live=True,
        ),
    )
}

_DRIVER_FIELDS = frozenset(each.name for each in dataclasses.fields(DriverOptions))

#: Values by options' names.
Values = Mapping[str, object]

#: How an option is written where people will look for it.
Spelling = Callable[[str], str]


def driverOf(own: Values, defaults: Values) -> str:
    """
    Which driver is meant: the one that is named, or the one that an option implies;
    what a zone says of itself goes before what is said for all.
    """
    for values in (own, defaults):
        if "driver" in values:
            return str(values["driver"])
        for implying in _implying(values):
            return str(implying.implies)
    return DEFAULT_DRIVER


def conflicts(
    own: Values, defaults: Values, spell: Spelling
) -> Iterator[tuple[str, str]]:
    """
    Which options of a zone don't go with the others?

    What is there for all zones does no harm to one that it is of no use to, unless it
    says what a driver is to do and another driver is named.

    @return: the options' names, each with what is wrong in a few words.
    """
    for values in (own, defaults):
        implying = [option.name for option in _implying(values)]
        if len(implying) > 1:
            others = ", ".join(spell(name) for name in implying[:-1])
            yield implying[-1], f"can't be given together with {others}"
            return
    driver = driverOf(own, defaults)
    named = "driver" in own or ("driver" in defaults and not _implying(own))
    for name in {**defaults, **own}:
        option = ZONE_OPTIONS[name]
        # One that names a driver would be passed over against what somebody meant.
        meant = name in own or (named and option.implies is not None)
        if meant and not option.isFor(driver):
            yield name, f"is of no use to the {driver} driver{_remedy(option, spell)}"


def zoneConfig(
    name: str, own: Values, defaults: Values, spell: Spelling = str
) -> ZoneConfig:
    """
    A zone's configuration from what it says of itself and what is said for all.

    @raise BadOption: two options don't go together.
    """
    for option, why in conflicts(own, defaults, spell):
        raise BadOption(f"zone '{name}': {spell(option)} {why}")
    driver = driverOf(own, defaults)
    # Any: each has been checked to be what its field holds.
    given: dict[str, Any] = {"driver": driver}
    if driver in ENDING_DRIVERS:
        given["onHalt"] = OnHalt.EXIT
    forDriver: dict[str, Any] = {}
    for each in ZONE_OPTIONS.values():
        values = own if each.name in own else defaults
        if each.name in values and each.name != "driver" and each.isFor(driver):
            target = forDriver if each.field in _DRIVER_FIELDS else given
            target[each.field] = values[each.name]
    return ZoneConfig(name, options=DriverOptions(**forDriver), **given)


def _implying(values: Values) -> list[ZoneOption]:
    options = (ZONE_OPTIONS[name] for name in values)
    return [option for option in options if option.implies is not None]


def _impliable() -> frozenset[str]:
    implied = (option.implies for option in ZONE_OPTIONS.values())
    return frozenset(driver for driver in implied if driver is not None)


def _remedy(option: ZoneOption, spell: Spelling) -> str:
    """
    What would make an option useful, where another one would.
    """
    if option.implies is not None:
        return ""
    wanted = [
        f"{spell(other.name)} {other.metavar}"
        for other in ZONE_OPTIONS.values()
        if other.implies in (option.drivers or ())
    ]
    return f": add {' or '.join(wanted)}" if wanted else ""
