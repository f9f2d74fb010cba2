# -*- test-case-name: zcons_twisted.test.test_pty -*-
"""
The link by which a zone finds its subsidiary.
"""

from __future__ import annotations

import errno
import os

from twisted.logger import Logger

from ..errors import DeviceError
from ..notices import escaped
from ..rundir import RunDirectory

__all__ = ["LINK_NAME", "DeviceLink"]

#: The name of the link to the subsidiary, illumos' own.
LINK_NAME = "zoneconsole"


class DeviceLink:
    """
    The link of one zone.

    @ivar path: where it is.
    """

    _log = Logger()

    def __init__(self, rundir: RunDirectory, zone: str) -> None:
        self._directory = rundir.deviceDirectory(zone)
        self.path = os.path.join(self._directory, LINK_NAME)

    def make(self, subsidiary: str) -> None:
        """
        Link the subsidiary, in one step, whatever was there.

        @raise OSError: that can't be done.
        """
        os.makedirs(self._directory, exist_ok=True)
        fresh = f"{self.path}.new"
        if os.path.lexists(fresh):
            os.unlink(fresh)
        os.symlink(subsidiary, fresh)
        os.replace(fresh, self.path)

    def mend(self, subsidiary: str) -> bool:
        """
        Link the subsidiary again where somebody has removed the link.

        @return: whether that was so.
        @raise DeviceError: that can't be done.
        """
        if not subsidiary or os.path.lexists(self.path):
            return False
        try:
            self.make(subsidiary)
        except OSError as e:
            raise DeviceError(f"{escaped(self.path)}: {e.strerror}") from None
        self._log.warn(
            "somebody has removed {path}: it is made again", path=escaped(self.path)
        )
        return True

    def remove(self) -> None:
        """
        Leave none, nor an empty directory.
        """
        for remove, path in (
            (os.unlink, self.path),
            (os.rmdir, self._directory),
            (os.rmdir, os.path.dirname(self._directory)),
        ):
            try:
                remove(path)
            except OSError as e:
                # Other zones have their links beside ours.
                if e.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                    self._log.warn(
                        "{path} stays: {error}", path=escaped(path), error=e.strerror
                    )
