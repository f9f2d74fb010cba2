# -*- test-case-name: zcons_twisted.test.test_control_socket -*-
"""
Users' names, looked up where a slow directory service holds nobody up.
"""

from __future__ import annotations

import pwd
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

__all__ = ["UserNames", "userNamesInThread"]


class UserNames(Protocol):
    """
    Finds users' names.
    """

    def __call__(self, uids: list[int]) -> Deferred[dict[int, str]]:
        """
        The name of each user, or its number where it has none.
        """


def userNamesInThread(reactor: Any) -> UserNames:
    """
    Look names up where a slow directory service holds nobody up: in a thread.
    """

    def look(uids: list[int]) -> dict[int, str]:
        names = {}
        for uid in uids:
            try:
                names[uid] = pwd.getpwuid(uid).pw_name
            except KeyError:
                names[uid] = str(uid)
        return names

    return lambda uids: deferToThreadPool(reactor, reactor.getThreadPool(), look, uids)
