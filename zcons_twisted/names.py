# -*- test-case-name: zcons_twisted.test.test_names -*-
"""
The zone name rule, checked before a name touches a path or a message.
"""

from __future__ import annotations

import re

from .errors import BadZoneName

__all__ = ["ZONE_NAME_MAX", "checkZoneName"]

#: Longest zone name in bytes (illumos' C{ZONENAME_MAX} is 64 with its NUL).
ZONE_NAME_MAX = 63

_ZONE_NAME = re.compile(r"[a-zA-Z0-9][-_.a-zA-Z0-9]*", re.ASCII)


def checkZoneName(name: str) -> str:
    """
    Check a zone name by illumos' rule: one to 63 ASCII letters, digits, dots,
    hyphens and underscores, the first a letter or a digit, and not C{global}.

    @param name: the name as somebody gave it.
    @return: the same name.
    @raise BadZoneName: the name is not allowed; the message says why.
    """
    if not name:
        raise BadZoneName("a zone name can't be empty")
    if len(name) > ZONE_NAME_MAX:
        raise BadZoneName(
            f"zone name of {len(name)} characters is too long:"
            f" at most {ZONE_NAME_MAX} are allowed"
        )
    if _ZONE_NAME.fullmatch(name) is None:
        raise BadZoneName(
            f"zone name {ascii(name)} is not allowed: letters, digits, '.', '-'"
            " and '_' only, beginning with a letter or a digit"
        )
    if name == "global":
        raise BadZoneName("the global zone has no zone console")
    return name
