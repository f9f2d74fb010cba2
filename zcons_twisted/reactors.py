"""
What each part needs of the reactor that it is handed, in Twisted's own interfaces.
"""

from __future__ import annotations

from twisted.internet.interfaces import (
    IReactorCore,
    IReactorFDSet,
    IReactorProcess,
    IReactorSocket,
    IReactorTime,
)

__all__ = ["DescriptorReactor", "ProcessReactor", "ServerReactor"]


class DescriptorReactor(IReactorFDSet, IReactorTime):
    """
    Waits for descriptors, and measures time.
    """


class ProcessReactor(IReactorProcess, IReactorTime):
    """
    Runs processes, and measures time.
    """


class ServerReactor(DescriptorReactor, ProcessReactor, IReactorSocket, IReactorCore):
    """
    All that a server needs.
    """
