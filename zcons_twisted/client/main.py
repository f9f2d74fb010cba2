# -*- test-case-name: zcons_twisted.test.test_client_main -*-
"""
The C{zconsole} command.

Twisted takes a third of a second to import, so the command line is understood, and
refused, before that; each command then imports what it needs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from zcons_twisted.errors import RunDirectoryError
from zcons_twisted.rundir import RunDirectory

from .command_line import RUNDIR_VARIABLE, Arguments, buildParser, joined
from .errors import CantBeTyped
from .escapes import COMMAND_CHARACTER
from .to_type import fromFile, fromWords

if TYPE_CHECKING:
    from .looking import Looker, Looking
    from .user_side import UserSide

__all__ = ["main"]

#: The commands that may be about all zones of the run directory.
_FOR_ALL = ("list", "status", "reload", "restart", "boot", "halt", "shutdown")

#: The commands that sit somebody down, and in what role.
_ROLES = {"attach": "operator", "take": "take", "watch": "watch"}


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run C{zconsole}.

    @param argv: the arguments, or L{None} for those of this process.
    @return: the exit status.
    """
    _fillStandardDescriptors()
    try:
        arguments = buildParser().parse_args(
            joined(sys.argv[1:] if argv is None else argv)
        )
    except SystemExit as e:
        return int(e.code or 0)
    try:
        arguments.rundir = arguments.rundir or os.environ.get(RUNDIR_VARIABLE)
        if not arguments.rundir:
            rundir = RunDirectory.default(os.environ, os.getuid())
        else:
            rundir = RunDirectory(arguments.rundir)
        return _do(arguments, rundir)
    except RunDirectoryError as e:
        _say(str(e))
        # A container does not fail by its hook.
        return 0 if arguments.command == "hook" else 1
    except CantBeTyped as e:
        _say(str(e))
        return 1
    except KeyboardInterrupt:
        # There was nobody yet who listens to signals.
        return 0 if arguments.command == "watch" else 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has seen enough; so has the interpreter's exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as e:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        _say(f"could not write the output: {e.strerror or e}")
        return 1


def _hook(arguments: Arguments, rundir: RunDirectory) -> int:
    from .hook import Hook

    Hook(rundir, arguments.zone, _say, arguments.event).run(0)
    return 0


def _do(arguments: Arguments, rundir: RunDirectory) -> int:
    if arguments.command == "hook":
        return _hook(arguments, rundir)
    if arguments.command == "watch":
        zones = list(dict.fromkeys(arguments.zones))
        if len(zones) > 1:
            return _watch(arguments, rundir, zones)
        arguments.zone = zones[0]
    if arguments.command in _ROLES:
        return _attach(arguments, rundir)
    if arguments.command == "history":
        return _history(arguments, rundir)
    if arguments.command == "send":
        return _send(arguments, rundir)
    if arguments.command == "expect":
        return _expect(arguments, rundir)
    return _inquire(arguments, rundir)


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
    _tell(f"zconsole: {line}")


def _tell(line: str) -> None:
    # Where nobody reads any more what is wrong, it goes on being so.
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def _show(text: str) -> None:
    print(text, end="", flush=True)


def _attach(arguments: Arguments, rundir: RunDirectory) -> int:
    from .attach import Attachment
    from .running import ENDING_SIGNALS, runToEnd
    from .user_side import AttachOptions

    reactor = _globalReactor()
    user = _userSide()
    command = arguments.escape
    if command is None and user.terminal is not None and not arguments.noEscape:
        command = COMMAND_CHARACTER
    if arguments.noEscape or command == b"":
        command = None
    options = AttachOptions(
        zone=arguments.zone,
        rundir=rundir,
        disconnect=arguments.disconnect,
        command=command,
        quiet=arguments.quiet,
        locale=_locale(),
        encoding=_encoding(),
        role=_ROLES[arguments.command],
        start=arguments.replay,
        wait=getattr(arguments, "wait", None),
    )
    attachment = Attachment(reactor, options, user)
    signals: dict[int, Callable[[int], None]] = dict.fromkeys(
        ENDING_SIGNALS, attachment.signalled
    )
    signals[signal.SIGWINCH] = attachment.resized
    signals[signal.SIGTSTP] = attachment.stopped
    signals[signal.SIGCONT] = attachment.continued
    try:
        return runToEnd(reactor, attachment.run(), signals)
    finally:
        if user.terminal is not None:
            user.terminal.restore()


def _watch(arguments: Arguments, rundir: RunDirectory, zones: Sequence[str]) -> int:
    from dataclasses import replace

    from zcons_twisted.frames import Attach

    from .descriptors import openPrivate
    from .watching import Watching

    looker = _looker(rundir, arguments.quiet)
    command = COMMAND_CHARACTER if arguments.escape is None else arguments.escape
    if arguments.noEscape or not command:
        command = None
    if os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp():
        # A job in the background would be stopped.
        looker = replace(looker, input=openPrivate(0, writing=False))
    asked = Attach(
        "watch", arguments.replay or "live", arguments.disconnect, looker.locale
    )
    return _run(Watching(looker, zones, asked, command))


def _history(arguments: Arguments, rundir: RunDirectory) -> int:
    from .past import Past

    start: str | tuple[str, int] = "all"
    if arguments.lines is not None:
        start = ("lines", arguments.lines)
    elif arguments.since is not None:
        start = ("offset", arguments.since)
    elif arguments.sinceBoot:
        start = "boot"
    looker = _looker(rundir)
    return _run(Past(looker, arguments.zone, start, arguments.follow, arguments.times))


def _send(arguments: Arguments, rundir: RunDirectory) -> int:
    from .sending import Sending

    if arguments.text and arguments.file is not None:
        _say("send types TEXT or what --file has: give one of them")
        return 2
    if not arguments.text and arguments.file is None and not arguments.line:
        _say("there is nothing to type: give TEXT, --file FILE, or --line for Enter")
        return 2
    text = _typed(" ".join(arguments.text), arguments.file, arguments.line)
    sending = Sending(_looker(rundir), arguments.zone, text, arguments.timeout)
    return _run(sending)


def _expect(arguments: Arguments, rundir: RunDirectory) -> int:
    from .expecting import Expecting
    from .searching import searchInTime

    text = None
    if arguments.send is not None or arguments.sendFile is not None:
        text = _typed(arguments.send or "", arguments.sendFile, arguments.line)
    return _run(
        Expecting(
            _looker(rundir),
            arguments.zone,
            arguments.pattern,
            text,
            arguments.replay,
            arguments.timeout,
            arguments.raw,
            searchInTime,
        )
    )


def _typed(text: str, file: str | None, line: bool) -> bytes:
    return fromWords(text, line) if file is None else fromFile(file, line)


def _looker(rundir: RunDirectory, quiet: bool = False) -> Looker:
    from .descriptors import openPrivate
    from .looking import Looker

    return Looker(
        _globalReactor(),
        rundir,
        openPrivate(1, writing=True),
        _say,
        os.isatty(1),
        quiet,
        _locale(),
        _encoding(),
    )


def _run(looking: Looking) -> int:
    from .running import ENDING_SIGNALS, runToEnd

    signals: dict[int, Callable[[int], None]] = dict.fromkeys(
        ENDING_SIGNALS, looking.signalled
    )
    return runToEnd(_globalReactor(), looking.run(), signals)


def _globalReactor() -> Any:
    # Any: its interfaces are zope's, and ours ask for parts of several of them.
    from twisted.internet import reactor

    return reactor


def _userSide() -> UserSide:
    from .descriptors import openPrivate
    from .terminal import UserTerminal
    from .user_side import UserSide

    return UserSide(
        input=openPrivate(0, writing=False),
        output=openPrivate(1, writing=True),
        terminal=UserTerminal(0) if os.isatty(0) else None,
        say=_say,
        shown=os.isatty(1),
        # Standard error would wait where the same terminal was stopped.
        tell=None if os.isatty(1) and os.isatty(2) else _tell,
    )


def _locale() -> str:
    import locale

    try:
        return locale.setlocale(locale.LC_MESSAGES, "")
    except locale.Error:
        return "C"


def _encoding() -> str:
    import locale

    return locale.getencoding()


def _lostSockets(rundir: RunDirectory) -> bool:
    """
    Tell of zones that are served and can't be asked.

    @return: whether there are any.
    """
    from .holding import lostSockets

    lost = lostSockets(rundir)
    for line in lost:
        _say(line)
    return bool(lost)


def _inquire(arguments: Arguments, rundir: RunDirectory) -> int:
    name = arguments.command
    zones = [arguments.zone] if getattr(arguments, "zone", None) else []
    if name in _FOR_ALL and not zones:
        zones = rundir.zones()
        lost = _lostSockets(rundir)
        if not zones:
            return _noZones(arguments, rundir, lost)

    from .inquiries import Inquiry
    from .running import ENDING_SIGNALS, runToEnd

    reactor = _globalReactor()
    inquiry = Inquiry(reactor, rundir, _show, _say)
    work: Coroutine[Any, Any, int]
    ofServers = {"reload": inquiry.reload, "restart": inquiry.restart}
    ofZones = {"list": inquiry.list, "status": inquiry.status}
    if name in ofZones:
        work = ofZones[name](zones, arguments.asJson)
    elif name in ofServers:
        work = ofServers[name](zones)
    elif name == "who":
        work = inquiry.who(zones[0])
    else:
        given: dict[str, Any] = {}
        if "boot_args" in arguments:
            given["bootArguments"] = arguments.boot_args
        if getattr(arguments, "reboot", False):
            given["reboot"] = True
        if name == "event":
            given["name"] = arguments.event
        if getattr(arguments, "allZones", False):
            work = inquiry.orderAll(name, zones, given)
        else:
            work = inquiry.order(name, zones[0], given)
    return runToEnd(reactor, work, dict.fromkeys(ENDING_SIGNALS, _stop))


def _noZones(arguments: Arguments, rundir: RunDirectory, told: bool) -> int:
    """
    There is nobody to be asked.  A directory that somebody named is there; the default
    one is made by the first server.

    @param told: why has been told already.
    """
    there = os.path.isdir(rundir.path)
    if not there and arguments.rundir:
        _say(f"there is no directory {rundir.path}: is it another one (--rundir)?")
        return 1
    if getattr(arguments, "asJson", False):
        _show("[]\n")
    if there and not told:
        _say(f"no zone has a console in {rundir.path}")
    elif not there:
        _say(
            f"no zone has a console: no server has made {rundir.path} yet; is it in"
            " another directory (--rundir)?"
        )
    return 1 if arguments.command in ("reload", "restart", "boot") else 0


def _stop(number: int) -> None:
    # Nothing has to be put back.
    os._exit(128 + number)
