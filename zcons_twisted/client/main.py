# -*- test-case-name: zcons_twisted.test.test_client_main -*-
"""
The C{zconsole} command.

Twisted takes a third of a second to import, so the command line is understood, and
refused, before that; each command then imports what it needs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from zcons_twisted import __version__
from zcons_twisted.errors import BadBootArguments, BadZoneName, RunDirectoryError
from zcons_twisted.events import EVENT_NAMES, checkBootArguments
from zcons_twisted.names import checkZoneName
from zcons_twisted.notices import escaped
from zcons_twisted.rundir import RunDirectory

from .errors import BadCommandCharacter
from .escapes import COMMAND_CHARACTER, parseCommandCharacter

if TYPE_CHECKING:
    from .attach import UserSide

__all__ = ["buildParser", "main"]

Arguments = argparse.Namespace

_BOOT_ARGS = "--boot-args"


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

    _addAttach(add("attach", "sit down at a zone's console"))
    add("list", "the zones, their states and operators", zone=None)
    add("status", "all about one zone, or about each", zone="[ZONE]")
    event = add("event", "tell a console what happened to its zone")
    event.add_argument(
        "event", choices=list(EVENT_NAMES), metavar="EVENT", help=", ".join(EVENT_NAMES)
    )
    boot = add("boot", "boot a zone that the server runs")
    add("halt", "halt a zone that the server runs")
    reboot = add("reboot", "halt a zone that the server runs, and boot it again")
    add("detach", "end the operator's session")
    for command in (event, boot, reboot):
        command.add_argument(
            _BOOT_ARGS, metavar="ARGS", type=_bootArguments, help="boot arguments"
        )
    return parser


def _addAttach(parser: argparse.ArgumentParser) -> None:
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


def _joined(argv: Sequence[str]) -> list[str]:
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


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run C{zconsole}.

    @param argv: the arguments, or L{None} for those of this process.
    @return: the exit status.
    """
    _fillStandardDescriptors()
    try:
        arguments = buildParser().parse_args(
            _joined(sys.argv[1:] if argv is None else argv)
        )
    except SystemExit as e:
        return int(e.code or 0)
    try:
        if arguments.rundir is None:
            rundir = RunDirectory.default(os.environ, os.getuid())
        else:
            rundir = RunDirectory(arguments.rundir)
        if arguments.command == "attach":
            return _attach(arguments, rundir)
        return _inquire(arguments, rundir)
    except RunDirectoryError as e:
        _say(str(e))
        return 1
    except BrokenPipeError:
        # Whoever read our output has seen enough; so has the interpreter's exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as e:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _say(f"could not write the output: {e.strerror or e}")
        return 1


def _fillStandardDescriptors() -> None:
    """
    Where standard input, output or error is closed, the next file opened would
    take its number.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _say(line: str) -> None:
    print(f"zconsole: {line}", file=sys.stderr, flush=True)


def _show(text: str) -> None:
    print(text, end="", flush=True)


def _attach(arguments: Arguments, rundir: RunDirectory) -> int:
    import signal

    from .attach import Attachment, AttachOptions
    from .running import ENDING_SIGNALS, runToEnd

    reactor = _globalReactor()
    user = _userSide()
    command = arguments.escape
    if command is None and user.terminal is not None and not arguments.noEscape:
        command = COMMAND_CHARACTER
    options = AttachOptions(
        zone=arguments.zone,
        rundir=rundir,
        disconnect=arguments.disconnect,
        command=command,
        quiet=arguments.quiet,
        locale=_locale(),
    )
    attachment = Attachment(reactor, options, user)
    signals: dict[int, Callable[[int], None]] = dict.fromkeys(
        ENDING_SIGNALS, attachment.signalled
    )
    signals[signal.SIGTSTP] = attachment.stopped
    signals[signal.SIGCONT] = attachment.continued
    try:
        return runToEnd(reactor, attachment.run(), signals)
    finally:
        if user.terminal is not None:
            user.terminal.restore()


def _globalReactor() -> Any:
    # Any: its interfaces are zope's, and ours ask for parts of several of them.
    from twisted.internet import reactor

    return reactor


def _userSide() -> UserSide:
    from .attach import UserSide
    from .descriptors import openPrivate
    from .terminal import UserTerminal

    return UserSide(
        input=openPrivate(0, writing=False),
        output=openPrivate(1, writing=True),
        terminal=UserTerminal(0) if os.isatty(0) else None,
        say=_say,
        shown=os.isatty(1),
    )


def _locale() -> str:
    import locale

    try:
        return locale.setlocale(locale.LC_MESSAGES, "")
    except locale.Error:
        return "C"


def _inquire(arguments: Arguments, rundir: RunDirectory) -> int:
    name = arguments.command
    zones = [arguments.zone] if getattr(arguments, "zone", None) else []
    if name in ("list", "status") and not zones:
        zones = rundir.zones()
        if not zones:
            _say(f"no zone has a console in {rundir.path}")
            return 0

    from .inquiries import Inquiry
    from .running import ENDING_SIGNALS, runToEnd

    reactor = _globalReactor()
    inquiry = Inquiry(reactor, rundir, _show, _say)
    work: Coroutine[Any, Any, int]
    if name == "list":
        work = inquiry.list(zones)
    elif name == "status":
        work = inquiry.status(zones)
    else:
        given: dict[str, Any] = {}
        if "boot_args" in arguments:
            given["bootArguments"] = arguments.boot_args
        if name == "event":
            given["name"] = arguments.event
        work = inquiry.order(name, zones[0], given)
    return runToEnd(reactor, work, dict.fromkeys(ENDING_SIGNALS, _stop))


def _stop(number: int) -> None:
    # Nothing has to be put back.
    os._exit(128 + number)
