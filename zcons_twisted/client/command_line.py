# -*- test-case-name: zcons_twisted.test.test_client_command_line -*-
"""
The command line of C{zconsole}.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from zcons_twisted import __version__
from zcons_twisted.events import EVENT_NAMES

from . import argument_values as values
from .parsing import CommandParser, Parser
from .times import EXPECT_SECONDS, SEND_SECONDS, WAIT_SECONDS

__all__ = ["RUNDIR_VARIABLE", "Arguments", "buildParser", "joined"]

#: The variable of the environment that has the run directory for who names none.
RUNDIR_VARIABLE = "ZCONSOLE_RUNDIR"

Arguments = argparse.Namespace

_BOOT_ARGS = "--boot-args"

_ESCAPES = (
    "At the beginning of a line, ~. leaves the console, ~? tells what else there is,"
    " and ~~ sends one ~; -e chooses another character."
)


_WATCH_ESCAPES = (
    "Ctrl-C leaves, and so does ~. at the beginning of a line; ~? tells what else there"
    " is; -e chooses another character.  With several zones, Enter has to follow."
)


def buildParser() -> argparse.ArgumentParser:
    """
    The command line.
    """
    parser = Parser(
        prog="zconsole",
        description="Zone consoles: sit down at one, and see to those there are.",
        allow_abbrev=False,
    )
    _addRundir(parser, None)
    parser.add_argument(
        "-V", "--version", action="version", version=f"%(prog)s {__version__}"
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=CommandParser
    )

    def add(name: str, text: str, zone: str | None = "ZONE") -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=text, description=text, allow_abbrev=False
        )
        _addRundir(command, argparse.SUPPRESS)
        if zone is not None:
            optional = "?" if zone == "[ZONE]" else None
            command.add_argument(
                "zone", metavar="ZONE", type=values.zone, nargs=optional
            )
        return command

    attach = add("attach", "sit down at a zone's console")
    take = add("take", "sit down at a zone's console, in the place of whoever is there")
    for command in (attach, take):
        _addSession(command)
        _addWait(command)
    watch = add("watch", "look at the consoles of one or more zones", zone=None)
    watch.add_argument("zones", metavar="ZONE", type=values.zone, nargs="+")
    _addSession(watch)
    watch.epilog = _WATCH_ESCAPES
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
        type=values.zone,
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
    shutdown.add_argument(
        "-r", "--reboot", action="store_true", help="boot it again when it is down"
    )
    for command in (event, boot, reboot, shutdown):
        command.add_argument(
            _BOOT_ARGS, metavar="ARGS", type=values.bootArguments, help="boot arguments"
        )
    return parser


def _addRundir(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--rundir",
        metavar="DIR",
        type=values.directory,
        default=default,
        help=f"the server's run directory (default: ${RUNDIR_VARIABLE}, else"
        " /var/run/zones for root, $XDG_RUNTIME_DIR/zones for others)",
    )


def _addZoneOrAll(parser: argparse.ArgumentParser) -> None:
    # The parser sees to it that it is one of them: argparse can't, where options may
    # stand anywhere.
    parser.add_argument("zone", metavar="ZONE", type=values.zone, nargs="?")
    parser.add_argument(
        "--all",
        dest="allZones",
        action="store_true",
        help="all zones of the run directory that servers run",
    )


def _addWait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=values.wait,
        default=WAIT_SECONDS,
        help="when input that is no terminal's has ended, leave the console after it"
        f" has been silent for so long, or forever (default: {WAIT_SECONDS:g})",
    )


def _addSend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", nargs="*", help="what to type")
    parser.add_argument(
        "--file",
        metavar="FILE",
        help="a file with what to type instead, or - for standard input",
    )
    _addLine(parser)
    _addTimeout(parser, SEND_SECONDS)


def _addExpect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pattern", metavar="PATTERN", type=values.pattern, help="a regular expression"
    )
    first = parser.add_mutually_exclusive_group()
    first.add_argument("--send", metavar="TEXT", help="what to type first")
    first.add_argument(
        "--send-file",
        dest="sendFile",
        metavar="FILE",
        help="a file with what to type first, or - for standard input",
    )
    _addLine(parser)
    _addTimeout(parser, EXPECT_SECONDS)
    _addReplay(
        parser,
        "the last line, or none where something is typed first; never what was printed"
        " before the zone's last boot",
    )
    parser.add_argument(
        "--raw",
        action="store_true",
        help="look at escape sequences as well, which are left out otherwise unless"
        " PATTERN names the escape character",
    )


def _addLine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--line", action="store_true", help="end what is typed as Enter does"
    )


def _addTimeout(parser: argparse.ArgumentParser, default: float) -> None:
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=values.seconds,
        default=default,
        help=f"give up after so long (default: {default:g})",
    )


def _addReplay(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--replay",
        metavar="LINES",
        type=values.replay,
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
        type=values.commandCharacter,
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
        "--lines", metavar="N", type=values.number, help="no more than the last N lines"
    )
    begin.add_argument(
        "--since",
        metavar="OFFSET",
        type=values.number,
        help="what comes from an offset on",
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
