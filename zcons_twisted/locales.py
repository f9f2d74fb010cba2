# -*- test-case-name: zcons_twisted.test.test_locales -*-
"""
From the name of a client's locale to a character set and a message catalogue.

The name is text from a peer: it is looked up in tables and never becomes part of a
path.  Catalogues are gettext's, C{locale/<language>/LC_MESSAGES/zcons_twisted.mo}
beside this file; which there are is read once.
"""

from __future__ import annotations

import gettext
import locale
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["CATALOGUES", "Catalogues", "Language"]

DOMAIN = "zcons_twisted"

_LOCALE = re.compile(
    r"(?P<language>C|POSIX|[A-Za-z]{2,3})(?:_(?P<territory>[A-Za-z]{2,3}))?"
    r"(?:\.(?P<codeset>[-A-Za-z0-9_]{1,32}))?(?:@(?P<modifier>[a-z]{1,16}))?"
)

# By the name with case and punctuation taken out; each an extension of ASCII, so
# that a notice's frame is the same in all of them.
_ENCODINGS = {
    "utf8": "utf-8",
    "646": "ascii",
    "usascii": "ascii",
    "ansix341968": "ascii",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "eucjp": "euc-jp",
    "euckr": "euc-kr",
    "euccn": "gb2312",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "big5hk": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "pck": "shift_jis",
    "sjis": "shift_jis",
    **{f"iso8859{n}": f"iso8859-{n}" for n in (*range(1, 12), 13, 14, 15, 16)},
    **{f"{p}125{n}": f"cp125{n}" for n in range(9) for p in ("cp", "ansi")},
}


# So many locales' names are remembered with what was found for them.
_KNOWN_MAX = 256


@dataclass(frozen=True, slots=True)
class Language:
    """
    How one session is spoken to.

    @ivar encoding: the name of its character set, for L{str.encode}.
    @ivar translate: from an English text to its language.
    """

    encoding: str = "ascii"
    translate: Callable[[str], str] = str


class Catalogues:
    """
    The message catalogues that are shipped.
    """

    def __init__(self, directory: str) -> None:
        """
        @param directory: where they are, a folder each language.
        """
        self._translations: Mapping[str, gettext.GNUTranslations] = _load(directory)
        self._known: dict[str, Language] = {}

    def language(self, name: str) -> Language:
        """
        How to speak to a client that named its locale.

        @param name: the locale's name as it came, C{de_DE.UTF-8} for example.
            C{C}, C{POSIX}, the empty name and names that mean nothing give
            English in ASCII.
        """
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            known = self._known[name] = self._find(name)
        return known

    def _find(self, name: str) -> Language:
        match = _LOCALE.fullmatch(name)
        if match is None:
            return Language()
        encoding = _encoding(match["codeset"] or _usualCodeset(name))
        for key in (f"{match['language']}_{match['territory']}", match["language"]):
            found = self._translations.get(key)
            if found is not None:
                return Language(encoding, found.gettext)
        return Language(encoding)


def _usualCodeset(name: str) -> str:
    _, _, codeset = locale.normalize(name).partition(".")
    return codeset.partition("@")[0]


def _encoding(codeset: str) -> str:
    return _ENCODINGS.get(re.sub(r"[-_]", "", codeset).lower(), "ascii")


def _load(directory: str) -> dict[str, gettext.GNUTranslations]:
    loaded = {}
    try:
        languages = os.listdir(directory)
    except FileNotFoundError:
        return {}
    for language in languages:
        path = os.path.join(directory, language, "LC_MESSAGES", f"{DOMAIN}.mo")
        if os.path.exists(path):
            with open(path, "rb") as file:
                loaded[language] = gettext.GNUTranslations(file)
    return loaded


#: The catalogues that come with this package.
CATALOGUES = Catalogues(os.path.join(os.path.dirname(__file__), "locale"))
