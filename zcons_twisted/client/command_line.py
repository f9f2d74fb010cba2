# -*- test-case-name: zcons_twisted.test.test_client_command_line -*-
"""
The command line of C{zconsole}.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from zcons_twisted import __version__
from zcons_twisted.errors import BadBootArguments, BadZoneName
from zcons_twisted.events import EVENT_NAMES, checkBootArguments
from zcons_twisted.names import checkZoneName
from zcons_twisted.notices import escaped

from .errors import BadCommandCharacter
from .escapes import parseCommandCharacter
from .times import EXPECT_SECONDS, SEND_SECONDS, WAIT_SECONDS

__all__ = ["Arguments", "buildParser", "joined"]

Arguments = argparse.Namespace

_BOOT_ARGS = "--boot-args"

#: The longest time that somebody may ask for: a year.
_SECONDS_MAX = 366 * 86400.0

#: The largest number that the protocol carries.
_NUMBER_MAX = 2**63 - 1


_ESCAPES = (
    "At the beginning of a line, ~. leaves the console, ~? tells what else there is,"
    " and ~~ sends one ~; -e chooses another character."
)


class _Parser(argparse.ArgumentParser):
    """
    Says what is wrong in one line, with this program's name.
    """

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"zconsole: {escaped(message)}\n")


class _Command(_Parser):
    """
    One command's own part: what it does not know is told with its own usage.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """
        As L{argparse.ArgumentParser} does, but nothing may be left over.
        """
        found, rest = super().parse_known_args(args, namespace)
        options = [word for word in rest if word.startswith("-") and word != "-"]
        if options:
            self.error(f"{self.prog.split()[-1]} has no option {options[0]}")
        if "text" in found:
            # Words that an option parts from the zone are not left over.
            found.text, rest = [*found.text, *rest], []
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found, rest


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
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 on")
    # More digits than that are not even looked at.
    return min(int(text[:4300]), _NUMBER_MAX)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= _SECONDS_MAX:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of seconds from 0 to {_SECONDS_MAX:g}"
        )
    return seconds


def _wait(text: str) -> float | None:
    return None if text == "forever" else _seconds(text)


def _pattern(text: str) -> re.Pattern[bytes]:
    try:
        return re.compile(os.fsencode(text))
    except re.error as e:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no regular expression: {e}"
        ) from None


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
    _addRundir(parser, None)
    parser.add_argument(
        "-V", "--version", action="version", version=f"%(prog)s {__version__}"
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Command
    )

    def add(name: str, text: str, zone: str | None = "ZONE") -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=text, description=text, allow_abbrev=False
        )
        _addRundir(command, argparse.SUPPRESS)
        if zone is not None:
            optional = "?" if zone == "[ZONE]" else None
            command.add_argument("zone", metavar="ZONE", type=_zone, nargs=optional)
        return command

    attach = add("attach", "sit down at a zone's console")
    take = add("take", "sit down at a zone's console, in the place of whoever is there")
    for command in (attach, take):
        _addSession(command)
        _addWait(command)
    watch = add("watch", "look at the consoles of one or more zones", zone=None)
    watch.add_argument("zones", metavar="ZONE", type=_zone, nargs="+")
    _addSession(watch)
    _addHistory(add("history", "what a zone has printed"))
    _addSend(add("send", "type something at a zone's console"))
    _addExpect(add("expect", "wait until a zone prints something"))
    add("who", "who is attached to a zone's console")
    zones = add("list", "the zones, their states and who is there", zone=None)
    status = add("status", "all about one zone, or about each", zone="[ZONE]")
    for command in (zones, status):
        command.add_argument(
            "--json", dest="asJson", action="store_true", help="as JSON, for programs"
        )
    event = add("event", "tell a console what happened to its zone")
    event.add_argument(
        "event", choices=list(EVENT_NAMES), metavar="EVENT", help=", ".join(EVENT_NAMES)
    )
    hook = add(
        "hook",
        "for a container runtime: tell the console what happened to its container,"
        " whose state is read from standard input",
        zone=None,
    )
    hook.add_argument(
        "--zone",
        metavar="ZONE",
        type=_zone,
        help="the zone (default: the container's annotation zcons_twisted.zone, else"
        " its ID)",
    )
    hook.add_argument(
        "--event",
        choices=list(EVENT_NAMES),
        metavar="EVENT",
        help="what has happened (default: as the container's status tells)",
    )
    add("ready", "have a zone that the server runs be there without running")
    boot = add("boot", "boot a zone that the server runs, or all that are down", None)
    halt = add("halt", "halt a zone that the server runs, or all of them", None)
    shutdown = add(
        "shutdown",
        "ask a zone that the server runs, or all, to go down by itself",
        None,
    )
    for command in (boot, halt, shutdown):
        _addZoneOrAll(command)
    reboot = add("reboot", "halt a zone that the server runs, and boot it again")
    add("break", "send a break on a zone's line")
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


def _addRundir(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--rundir",
        metavar="DIR",
        type=_directory,
        default=default,
        help="the server's run directory (default: /var/run/zones for root,"
        " $XDG_RUNTIME_DIR/zones for others)",
    )


def _addZoneOrAll(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("zone", metavar="ZONE", type=_zone, nargs="?")
    which.add_argument(
        "--all",
        dest="allZones",
        action="store_true",
        help="all zones of the run directory that servers run",
    )


def _addWait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_wait,
        default=WAIT_SECONDS,
        help="when input that is no terminal's has ended, leave the console after it"
        f" has been silent for so long, or forever (default: {WAIT_SECONDS:g})",
    )


def _addSend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="*", help="what to type")
    _addLine(parser)
    _addTimeout(parser, SEND_SECONDS)


def _addExpect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pattern", metavar="PATTERN", type=_pattern, help="a regular expression"
    )
    parser.add_argument("--send", metavar="TEXT", help="what to type first")
    _addLine(parser)
    _addTimeout(parser, EXPECT_SECONDS)
    _addReplay(parser, "the last line, or none where something is typed first")


def _addLine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--line", action="store_true", help="end what is typed as Enter does"
    )


def _addTimeout(parser: argparse.ArgumentParser, default: float) -> None:
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=default,
        help=f"give up after so long (default: {default:g})",
    )


def _addReplay(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--replay",
        metavar="LINES",
        type=_replay,
        help="what of what was printed before: a number of lines, all, or none"
        f" (default: {default})",
    )


def _addSession(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _ESCAPES
    parser.add_argument(
        "-d",
        dest="disconnect",
        action="store_true",
        help="end the session when the zone halts or fails to boot",
    )
    escapes = parser.add_mutually_exclusive_group()
    escapes.add_argument(
        "-e",
        dest="escape",
        metavar="C",
        type=_commandCharacter,
        help="the escape character instead of ~: one character, ^X, \\ooo in octal, or"
        " none",
    )
    escapes.add_argument(
        "-E", dest="noEscape", action="store_true", help="have no escape character"
    )
    parser.add_argument(
        "-Q",
        dest="quiet",
        action="store_true",
        help="leave out the first and last line",
    )
    _addReplay(parser, "the last screenful on a terminal, else none")


def _addHistory(parser: argparse.ArgumentParser) -> None:
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument(
        "--lines", metavar="N", type=_number, help="no more than the last N lines"
    )
    begin.add_argument(
        "--since", metavar="OFFSET", type=_number, help="what comes from an offset on"
    )
    begin.add_argument(
        "--since-boot",
        dest="sinceBoot",
        action="store_true",
        help="what comes from the zone's last boot on",
    )
    parser.add_argument(
        "--follow", action="store_true", help="go on with what is printed from now on"
    )
    parser.add_argument(
        "--times",
        action="store_true",
        help="tell when something happened to the zone; in a pipe on standard error",
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
