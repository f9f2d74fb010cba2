"""
What the documentation says of options is what there is.
"""

from __future__ import annotations

import re
import textwrap

import pytest
from support import HERE

from zcons_twisted.config import SERVER_OPTIONS, parseConfig
from zcons_twisted.option_values import Check
from zcons_twisted.zone_options import ZONE_OPTIONS

DOCS = HERE.parent / "docs"
REFERENCE = DOCS / "reference"


def told(name: str) -> str:
    """
    A page of the reference.
    """
    return (REFERENCE / f"{name}.rst").read_text("utf-8")


def test_zoneOptions() -> None:
    """
    The reference of the server's options tells every option of a zone, with its value.
    """
    page = told("server-options")
    for option in ZONE_OPTIONS.values():
        assert f"\n``--{option.name} {option.metavar}``\n" in page, option.name


def test_readme() -> None:
    """
    Whoever looks at the repository first finds every page that tells how to do
    something, and every page of the reference.
    """
    readme = (HERE.parent / "README.rst").read_text("utf-8")
    for folder in ("howto", "reference"):
        for page in (DOCS / folder).glob("*.rst"):
            assert f"<docs/{folder}/{page.name}>" in readme, page.name


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """
    The table under a heading: the options' names, and what is said of each.
    """
    section = page.split(f"\n{heading}\n-", 1)[1]
    table = section.split(".. list-table::", 1)[1].split("\n\n", 2)[1]
    found = {}
    for row in table.split("   * - ")[1:]:
        first, *others = re.split(r"\n     - ", row.rstrip("\n"))
        found[first.strip("`")] = [" ".join(cell.split()) for cell in others]
    del found["Option"]
    return found


def test_configuration() -> None:
    """
    The reference of the configuration file tells every option and no other, and how a
    change of it is made.
    """
    page = told("configuration")
    assert list(rows(page, "Options of the server")) == list(SERVER_OPTIONS)
    zone = rows(page, "Options of a zone")
    assert sorted(zone) == sorted(ZONE_OPTIONS)
    for name, (value, change) in zone.items():
        option = ZONE_OPTIONS[name]
        assert change == ("as it is" if option.live else "the zone is restarted"), name
        assert ("number" in value) == takes(option.fromToml, 65536, 1), name
        assert ("list" in value) == takes(option.fromToml, ["a"]), name
        assert ("text" in value) == takes(option.fromToml, *WORDS), name


#: Texts of which each option that takes text takes one.
WORDS = ("1M", "x", "/x", "never", "stay", "own")


def takes(check: Check, *given: object) -> bool:
    """
    Can one of some values be used?
    """
    for each in given:
        try:
            check(each)
        except Exception:
            continue
        return True
    return False


@pytest.mark.parametrize(
    "page", ["reference/configuration", "howto/many-zones"], ids=lambda p: p[-5:]
)
def test_examples(page: str) -> None:
    """
    The examples of configuration files can be used, but for a group that need not be
    there.
    """
    text = (DOCS / f"{page}.rst").read_text("utf-8")
    found = re.findall(r"code-block:: toml\n\n((?:    .*\n|\n)+)", text)
    assert found
    for example in found:
        lines = textwrap.dedent(example).replace('"consoles"', "7")
        assert parseConfig(lines, "example", lambda zone, rundir: None).zones
