# -*- test-case-name: zcons_twisted.test.test_locales -*-
"""
Tests for L{zcons_twisted.locales}.
"""

from __future__ import annotations

import os
import struct

from twisted.trial.unittest import SynchronousTestCase

from ..events import ZoneEvent
from ..locales import CATALOGUES, DOMAIN, Catalogues, Language
from ..notices import framed, noticeText
from .examples import given, quickly, st

HALTED = "NOTICE: Zone halted"


def moFile(messages: dict[str, str]) -> bytes:
    """
    A gettext catalogue in UTF-8, as C{msgfmt} would make it.
    """
    entries = {"": "Content-Type: text/plain; charset=UTF-8\n", **messages}
    keys = sorted(key.encode() for key in entries)
    texts = [entries[key.decode()].encode() for key in keys]
    header = 7 * 4
    at = header + 16 * len(keys)
    tables: list[int] = []
    body = b""
    for text in (*keys, *texts):
        tables += (len(text), at + len(body))
        body += text + b"\0"
    head = (0x950412DE, 0, len(keys), header, header + 8 * len(keys), 0, at)
    return struct.pack(f"<{7 + len(tables)}I", *head, *tables) + body


class NoCatalogueTests(SynchronousTestCase):
    """
    Where there is no catalogue, a locale gives a character set.
    """

    def encoding(self, name: str) -> str:
        """
        @return: the character set of a locale.
        """
        language = Catalogues(self.mktemp()).language(name)
        self.assertEqual(language.translate(HALTED), HALTED)
        return language.encoding

    def test_plain(self) -> None:
        """
        C, POSIX and the empty name are English in ASCII.
        """
        for name in ("", "C", "POSIX"):
            self.assertEqual(self.encoding(name), "ascii")

    def test_named(self) -> None:
        """
        The character set that a locale names is its own, however it is written.
        """
        for name, encoding in (
            ("en_US.UTF-8", "utf-8"),
            ("en_US.utf8", "utf-8"),
            ("de_DE.ISO8859-1", "iso8859-1"),
            ("de_DE.iso88591", "iso8859-1"),
            ("de_DE.ISO8859-15", "iso8859-15"),
            ("de.UTF-8", "utf-8"),
            ("ru_RU.KOI8-R", "koi8-r"),
            ("ru_RU.ANSI1251", "cp1251"),
            ("ja_JP.eucJP", "euc-jp"),
            ("ja_JP.PCK", "shift_jis"),
            ("zh_CN.GB18030", "gb18030"),
            ("zh_TW.BIG5", "big5"),
            ("en_US.646", "ascii"),
            ("sr_RS.UTF-8@latin", "utf-8"),
        ):
            self.assertEqual(self.encoding(name), encoding, name)

    def test_unnamed(self) -> None:
        """
        A locale that names no character set has the usual one of its language.
        """
        for name, encoding in (
            ("de", "iso8859-1"),
            ("de_DE", "iso8859-1"),
            ("de_DE@euro", "iso8859-15"),
            ("ja_JP", "euc-jp"),
        ):
            self.assertEqual(self.encoding(name), encoding, name)

    def test_plainWithCharacterSet(self) -> None:
        """
        C with a character set, the usual locale of containers, is English in that one.
        """
        for name in ("C.UTF-8", "C.utf8"):
            self.assertEqual(self.encoding(name), "utf-8", name)

    def test_unknownCharacterSet(self) -> None:
        """
        A character set that we don't know, or that is no extension of ASCII, is ASCII.
        """
        for codeset in ("UTF-16", "UTF-7", "cp037", "rot13", "base64", "idna", "x"):
            self.assertEqual(self.encoding(f"de_DE.{codeset}"), "ascii", codeset)

    def test_hostileNames(self) -> None:
        """
        Names that look like paths, or like nothing, are English in ASCII.
        """
        for name in (
            "../../x",
            "de/../../etc",
            "/etc/passwd",
            "de_DE.UTF-8/../x",
            "de_DE.UTF-8\n",
            "..",
            "de\0",
            "%s",
            "e" * 1000,
            "de_DE." + "x" * 1000,
        ):
            self.assertEqual(self.encoding(name), "ascii", ascii(name))

    @quickly
    @given(st.text(st.characters(max_codepoint=0x7F), max_size=60))
    def test_anything(self, name: str) -> None:
        """
        Whatever name a client sends, notices can be written to it.
        """
        language = CATALOGUES.language(name)
        body = framed("Zone ü", language.encoding)
        self.assertTrue(body.startswith(b"\r\n[Zone ") and body.endswith(b"]\r\n"))

    def test_framesAreTheSame(self) -> None:
        """
        Every character set that is known shows ASCII as ASCII.
        """
        visible = "".join(map(chr, range(0x20, 0x7F)))
        for codeset in ("PCK", "BIG5", "GBK", "GB18030", "eucKR", "ISO8859-7", "646"):
            encoding = self.encoding(f"ja_JP.{codeset}")
            self.assertEqual(visible.encode(encoding), visible.encode("ascii"))


class CataloguesTests(SynchronousTestCase):
    """
    Where there is a catalogue, notices are in the client's language.
    """

    def setUp(self) -> None:
        """
        Two languages, one of them with a territory of its own.
        """
        self.directory = self.mktemp()
        self.add("de", {HALTED: "HINWEIS: Zone ist aus", "ü": "ö"})
        self.add("de_AT", {HALTED: "HINWEIS: Zone is aus"})
        self.add("ja", {HALTED: "通知: ゾーンは停止しました"})
        self.catalogues = Catalogues(self.directory)

    def add(self, language: str, messages: dict[str, str]) -> None:
        """
        Ship a catalogue.
        """
        folder = os.path.join(self.directory, language, "LC_MESSAGES")
        os.makedirs(folder)
        with open(os.path.join(folder, f"{DOMAIN}.mo"), "wb") as file:
            file.write(moFile(messages))

    def notice(self, name: str) -> bytes:
        """
        @return: the notice of a halt as a client of a locale gets it.
        """
        language = self.catalogues.language(name)
        text = noticeText(ZoneEvent.HALTED, translate=language.translate)
        assert text is not None
        return framed(text, language.encoding)

    def test_language(self) -> None:
        """
        A client gets the catalogue of its language.
        """
        for name in ("de", "de_DE", "de_DE.UTF-8", "de_CH.ISO8859-1@euro"):
            self.assertEqual(self.notice(name), b"\r\n[HINWEIS: Zone ist aus]\r\n")

    def test_territoryFirst(self) -> None:
        """
        A catalogue for language and territory goes before one for the language.
        """
        self.assertEqual(self.notice("de_AT.UTF-8"), b"\r\n[HINWEIS: Zone is aus]\r\n")

    def test_characterSet(self) -> None:
        """
        A translation is sent in the client's character set.
        """
        text = "\r\n[通知: ゾーンは停止しました]\r\n"
        for codeset, encoding in (("eucJP", "euc-jp"), ("UTF-8", "utf-8")):
            self.assertEqual(self.notice(f"ja_JP.{codeset}"), text.encode(encoding))

    def test_untranslated(self) -> None:
        """
        A text that a catalogue lacks, or a language without one, is English.
        """
        language = self.catalogues.language("de_DE.UTF-8")
        self.assertEqual(
            language.translate("NOTICE: Zone readied"), "NOTICE: Zone readied"
        )
        self.assertEqual(self.notice("fr_FR.UTF-8"), b"\r\n[NOTICE: Zone halted]\r\n")

    def test_nothingIsReadLater(self) -> None:
        """
        Which catalogues there are is read once: a client's locale opens no file.
        """
        self.add("fr", {HALTED: "AVIS"})
        self.assertEqual(self.notice("fr_FR.UTF-8"), b"\r\n[NOTICE: Zone halted]\r\n")

    def test_otherFiles(self) -> None:
        """
        What else lies in the directory does no harm.
        """
        os.mkdir(os.path.join(self.directory, "fr"))
        with open(os.path.join(self.directory, "zcons_twisted.pot"), "w"):
            pass
        again = Catalogues(self.directory)
        self.assertEqual(again.language("fr_FR.UTF-8"), Language("utf-8"))

    def test_noDirectory(self) -> None:
        """
        A directory that is not there is no catalogues.
        """
        self.assertEqual(Catalogues(self.mktemp()).language("C"), Language())
