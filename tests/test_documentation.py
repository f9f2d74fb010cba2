"""
What the documentation says of options is what there is.
"""

from __future__ import annotations

from support import HERE

from zcons_twisted.zone_options import ZONE_OPTIONS

REFERENCE = HERE.parent / "docs" / "reference"


def test_zoneOptions() -> None:
    """
    The reference of the server's options tells every option of a zone, with its value.
    """
    told = (REFERENCE / "server-options.rst").read_text("utf-8")
    for option in ZONE_OPTIONS.values():
        assert f"\n``--{option.name} {option.metavar}``\n" in told, option.name
