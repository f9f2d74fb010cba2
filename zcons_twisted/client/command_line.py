# -*- test-case-name: zcons_twisted.test.test_client_command_line -*-
"""
The command line of C{zconsole}.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from zcons_twisted import __version__
from zcons_twisted.errors import BadBootArguments, BadZoneName
from zcons_twisted.events import EVENT_NAMES, checkBootArguments
from zcons_twisted.names import checkZoneName
from zcons_twisted.notices import escaped

from .errors import BadCommandCharacter
from .escapes import parseCommandCharacter

__all__ = ["Arguments", "buildParser", "joined"]

Arguments = argparse.Namespace

_BOOT_ARGS = "--boot-args"

#: The largest number that the protocol carries.
_NUMBER_MAX = 2**63 - 1


class _Parser(argparse.ArgumentParser):
    """
    Says what is wrong in one line, with this program's name.
    """

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"zconsole: {escaped(message)}\n")


def _directory(path: str) -> str:
    if not path:
        raise argparse.ArgumentTypeError("a directory is needed")
    return path


def _zone(name: str) -> str:
    try:
        return checkZoneName(name)
    except BadZoneName as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def _commandCharacter(argument: str) -> bytes:
    try:
        return parseCommandCharacter(argument)
    except BadCommandCharacter as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def _bootArguments(arguments: str) -> str:
    try:
        arguments.encode()
        return checkBootArguments(arguments)
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("boot arguments are not UTF-8") from None
    except BadBootArguments as e:
        raise argparse.ArgumentTypeError(str(e)) from None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > len(str(_NUMBER_MAX)):
        raise argparse.ArgumentTypeError(f"'{text}' is no number")
    return min(int(text), _NUMBER_MAX)


def _replay(text: str) -> str | tuple[str, int]:
    if text == "all":
        return "all"
    return "live" if text == "none" else ("lines", _number(text))


def buildParser() -> argparse.ArgumentParser:
    """
    The command line.
    """
    parser = _Parser(
        prog="zconsole",
        description="Zone consoles: sit down at one, and see to those there are.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--rundir",
        metavar="DIR",
        type=_directory,
        help="the server's run directory (default: /var/run/zones for root,"
        " $XDG_RUNTIME_DIR/zones for others)",
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, text: str, zone: str | None = "ZONE") -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=text, description=text, allow_abbrev=False
        )
        if zone is not None:
            optional = "?" if zone == "[ZONE]" else None
            command.add_argument("zone", metavar="ZONE", type=_zone, nargs=optional)
        return command

    _addSession(add("attach", "sit down at a zone's console"))
    _addSession(add("take", "the same, in the place of whoever sits there"))
    watch = add("watch", "look at the consoles of one or more zones", zone=None)
    watch.add_argument("zones", metavar="ZONE", type=_zone, nargs="+")
    _addSession(watch)
    _addHistory(add("history", "what a zone has printed"))
    add("who", "who is attached to a zone's console")
    zones = add("list", "the zones, their states and who is there", zone=None)
    zones.add_argument(
        "--json", dest="asJson", action="store_true", help="as JSON, for programs"
    )
    add("status", "all about one zone, or about each", zone="[ZONE]")
    event = add("event", "tell a console what happened to its zone")
    event.add_argument(
        "event", choices=list(EVENT_NAMES), metavar="EVENT", help=", ".join(EVENT_NAMES)
    )
    boot = add("boot", "boot a zone that the server runs")
    add("halt", "halt a zone that the server runs")
    reboot = add("reboot", "halt a zone that the server runs, and boot it again")
    add("detach", "end the operator's session")
    add(
        "reload",
        "have the servers of all zones, or of one, read their configuration anew",
        zone="[ZONE]",
    )
    add(
        "restart",
        "have a zone's server, or each, run again; its zones notice nothing",
        zone="[ZONE]",
    )
    for command in (event, boot, reboot):
        command.add_argument(
            _BOOT_ARGS, metavar="ARGS", type=_bootArguments, help="boot arguments"
        )
    return parser


def _addSession(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-d",
        dest="disconnect",
        action="store_true",
        help="end the session when the zone halts or fails to boot",
    )
    parser.add_argument(
        "-e",
        dest="escape",
        metavar="C",
        type=_commandCharacter,
        help="the escape character instead of ~, or \\ooo in octal",
    )
    parser.add_argument(
        "-E", dest="noEscape", action="store_true", help="have no escape character"
    )
    parser.add_argument(
        "-Q",
        dest="quiet",
        action="store_true",
        help="leave out the first and last line",
    )
    parser.add_argument(
        "--replay",
        metavar="LINES",
        type=_replay,
        help="what to show of what was printed before: a number of lines, all, or none"
        " (default: the last screenful on a terminal, else none)",
    )


def _addHistory(parser: argparse.ArgumentParser) -> None:
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument(
        "--lines", metavar="N", type=_number, help="no more than the last N lines"
    )
    begin.add_argument(
        "--since", metavar="OFFSET", type=_number, help="what comes from an offset on"
    )
    parser.add_argument(
        "--follow", action="store_true", help="go on with what is printed from now on"
    )


def joined(argv: Sequence[str]) -> list[str]:
    """
    Boot arguments begin with a hyphen as a rule, and argparse takes such a word for
    an option unless it is part of the one before.
    """
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] == _BOOT_ARGS:
            joined[-1] += "=" + word
        else:
            joined.append(word)
    return joined
