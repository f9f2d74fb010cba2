# -*- test-case-name: zcons_twisted.test.test_endpoint_keeping -*-
"""
Keeping a console's connection over the server's own end.

The nexus has it as well, so that it stays when this process goes: what the other end
prints waits in the kernel for the next server, which claims the connection and reads
on.  That takes a descriptor; what only Twisted can read, TLS for example, goes with
this process.

One connection is kept for a zone, under the endpoint that it belongs to.  Another
endpoint's is of no use, and is closed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime

from ..errors import DeviceError
from ..nexus.client import Nexus
from ..nexus.commands import Adopt, Claim, Remove
from ..nexus.keeping import dropTyped, leave, typedOf
from .handing import HandingOver

__all__ = ["StreamKeeper"]

_T = TypeVar("_T")


class Keepable(Protocol):
    """
    What can be kept.
    """

    def fileno(self) -> int:
        """
        Its descriptor.
        """


class StreamKeeper:
    """
    Has one zone's connection kept, where there is a nexus.

    @ivar keeps: whether the nexus has it now.
    @ivar typedBefore: called with what was typed and waited for the zone when an
        earlier server left the connection that is found.
    """

    def __init__(self, clock: IReactorTime, zone: str, endpoint: str) -> None:
        """
        @param clock: measures the time between tries.
        @param endpoint: what the connection is made to, in words.
        """
        self.keeps = False
        self.nexus: Nexus | None = None
        self.typedBefore: Callable[[bytes], None] | None = None
        self._zone = zone
        self._endpoint = endpoint
        self._stream: Keepable | None = None
        # One thing at a time is done with the nexus.
        self._lock = DeferredLock()
        self._handing = HandingOver(
            clock,
            zone,
            "the console's connection",
            lambda: self._alone(self._keep()),
        )

    def find(self) -> Deferred[int | None]:
        """
        What an earlier server had, as a descriptor that is the caller's; or L{None}.
        """
        if self.nexus is None:
            return Deferred.fromCoroutine(_nothing())
        self.nexus.listen(self._zone, self)
        return self._alone(self._find(self.nexus))

    def keep(self, stream: Keepable) -> None:
        """
        This is the connection now; it is open until L{drop} or L{leave} is called.
        """
        self._stream = stream
        if self.nexus is not None and not self.keeps:
            self._handing.begin()

    def drop(self) -> Deferred[None]:
        """
        The connection is no more.
        """
        self._stream = None
        self._handing.stop()
        return self._alone(self._drop())

    def leave(self, typed: bytes) -> Deferred[bool]:
        """
        Leave the connection to the next server.

        @param typed: what was typed and waits for the zone.
        @return: whether it stays.
        """
        self._stream = None
        self._handing.stop()
        return self._alone(self._leave(typed))

    def end(self) -> None:
        """
        Hear of the nexus no more.
        """
        if self.nexus is not None:
            self.nexus.listenNoMore(self._zone)

    # As what hears of the nexus.

    def began(self, pid: int, why: str) -> None:
        """
        Nothing was started by us.
        """

    def ended(self, pid: int, code: int | None, number: int | None) -> None:
        """
        Nothing was started by us.
        """

    def lost(self) -> None:
        """
        The nexus has ended: another one is to keep the connection.
        """
        self.keeps = False
        if self._stream is not None:
            self.keep(self._stream)

    # Inside.

    def _alone(self, work: Coroutine[Any, Any, _T]) -> Deferred[_T]:
        return self._lock.run(Deferred.fromCoroutine, work)

    async def _find(self, nexus: Nexus) -> int | None:
        try:
            answer = await nexus.call(Claim, zone=self._zone)
            if answer["note"] == self._endpoint:
                self.keeps = True
                typed = typedOf(answer)
                if typed and self.typedBefore is not None:
                    self.typedBefore(typed)
                found: int = answer["master"]
                return found
            os.close(answer["master"])
            dropTyped(self._zone, answer)
            await nexus.call(Remove, zone=self._zone)
        except (OSError, DeviceError) as e:
            if getattr(e, "errno", None) != errno.ENXIO:
                self._handing.failed(e)
        return None

    async def _keep(self) -> None:
        nexus, stream = self.nexus, self._stream
        if nexus is None or stream is None or self.keeps:
            # Lost or kept meanwhile.
            return
        await self._adopt(nexus, stream)
        self.keeps = True
        nexus.remember(self._zone, self._endpoint)

    async def _adopt(self, nexus: Nexus, stream: Keepable) -> None:
        """
        A nexus that a service manager has started again has it already.
        """
        # One of our own, which stays open until it has been sent.
        fd = os.dup(stream.fileno())
        try:
            if await self._has(nexus, fd):
                return
            await nexus.call(Adopt, zone=self._zone, master=fd, process=None)
        finally:
            os.close(fd)

    async def _has(self, nexus: Nexus, fd: int) -> bool:
        try:
            answer = await nexus.call(Claim, zone=self._zone)
        except OSError as e:
            if e.errno != errno.ENXIO:
                raise
            return False
        dropTyped(self._zone, answer)
        same = os.path.sameopenfile(answer["master"], fd)
        os.close(answer["master"])
        if not same:
            await nexus.call(Remove, zone=self._zone)
        return same

    async def _drop(self) -> None:
        nexus, kept = self.nexus, self.keeps
        self.keeps = False
        if nexus is not None and kept and nexus.pid:
            try:
                await nexus.call(Remove, zone=self._zone)
            except (OSError, DeviceError):
                # It has gone with all that it had.
                return

    async def _leave(self, typed: bytes) -> bool:
        nexus, kept = self.nexus, self.keeps
        self.keeps = False
        left = False
        if nexus is not None and kept and nexus.pid:
            with suppress(OSError, DeviceError):
                await leave(nexus, self._zone, typed)
                left = True
        if typed and not left and self.typedBefore is not None:
            self.typedBefore(typed)
        return left


async def _nothing() -> None:
    """
    What is found where nobody keeps anything.
    """
