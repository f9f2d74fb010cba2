"""
pydoctor, told that an interface which extends one of Twisted's is an interface: by
itself it knows only those whose bases it has read.
"""

from __future__ import annotations

import re

from pydoctor import model
from pydoctor.extensions import zopeinterface

_FOREIGN = re.compile(r"(?:twisted|zope)\..*\bI[A-Z]\w*")
_known = zopeinterface.namesInterface


def _namesInterface(system: model.System, name: str) -> bool:
    return _known(system, name) or _FOREIGN.fullmatch(name) is not None


class System(model.System):
    """
    What C{system-class} in pyproject.toml names.
    """

    def __init__(self, options: model.Options | None = None) -> None:
        zopeinterface.namesInterface = _namesInterface
        super().__init__(options)
