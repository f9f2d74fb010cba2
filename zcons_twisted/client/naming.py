# -*- test-case-name: zcons_twisted.test.test_client_seated -*-
"""
Users by their names: servers tell numbers, as the kernel does.
"""

from __future__ import annotations

import pwd
import re

from zcons_twisted.notices import escaped

__all__ = ["named"]

_USER = re.compile(r"\bof user (\d{1,10})\b")


def named(text: str) -> str:
    """
    The same, with users' names instead of their numbers, where there are such.
    """

    def name(found: re.Match[str]) -> str:
        try:
            return f"of {escaped(pwd.getpwuid(int(found[1])).pw_name)}"
        except (KeyError, OverflowError):
            return found[0]

    return _USER.sub(name, text)
