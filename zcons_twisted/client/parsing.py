# -*- test-case-name: zcons_twisted.test.test_client_command_line -*-
"""
How the words of C{zconsole}'s command line are parsed.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from zcons_twisted.notices import escaped

__all__ = ["CommandParser", "Parser"]


class Parser(argparse.ArgumentParser):
    """
    Says what is wrong in one line, with this program's name.
    """

    def error(self, message: str) -> NoReturn:
        """
        End, with how it is used.
        """
        self.print_usage(sys.stderr)
        self.exit(2, f"zconsole: {escaped(message)}\n")


class CommandParser(Parser):
    """
    One command's own part: what it does not know is told with its own usage.
    """

    _mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """
        As L{argparse.ArgumentParser} does, but options may stand anywhere among the
        words, and nothing may be left over; where C{--all} is known, it or a zone is
        needed, and where C{-r} is, boot arguments are for that.
        """
        if self._mixing:
            # One of the two passes that are made for it.
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            found, rest = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False
        options = [word for word in rest if word.startswith("-") and word != "-"]
        if options:
            self.error(f"{self.prog.split()[-1]} has no option {options[0]}")
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        if hasattr(found, "allZones") and bool(found.zone) is found.allZones:
            if found.allZones:
                self.error("argument --all: not allowed with argument ZONE")
            self.error("one of the arguments ZONE --all is required")
        if getattr(found, "reboot", True) is False and found.boot_args is not None:
            self.error("argument --boot-args: not allowed without argument -r")
        return found, rest
