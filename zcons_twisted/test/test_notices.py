# -*- test-case-name: zcons_twisted.test.test_notices -*-
"""
Tests for L{zcons_twisted.notices}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..events import ZoneEvent
from ..notices import (
    EVENT_REASON_MAX,
    NOTICE_MAX,
    UNKNOWN_TEXT,
    droppedText,
    escaped,
    framed,
    gapText,
    keptText,
    noticeText,
    unconfirmedText,
    unreadText,
)
from .examples import given, quickly, st

BOOTING = "NOTICE: Zone booting up"
READIED = "NOTICE: Zone readied"
HALTED = "NOTICE: Zone halted"
HALTED_D = "NOTICE: Zone halted.  Disconnecting..."
REBOOTING = "NOTICE: Zone rebooting"
UNINSTALLING = "NOTICE: Zone is being uninstalled.  Disconnecting..."
BOOT_FAILED = "NOTICE: Zone boot failed"
BOOT_FAILED_D = "NOTICE: Zone boot failed.  Disconnecting..."
BAD_ARGS = "WARNING: Ignoring invalid boot arguments: "


class NoticeTextTests(SynchronousTestCase):
    """
    The texts are the seed's, to the byte.
    """

    def both(self, event: ZoneEvent, plain: str, disconnect: str) -> None:
        """
        An event's texts for a session without and with C{-d}.
        """
        self.assertEqual(noticeText(event, False), plain)
        self.assertEqual(noticeText(event, True), disconnect)

    def test_booting(self) -> None:
        """
        A session is told that the zone boots.
        """
        self.both(ZoneEvent.BOOTING, BOOTING, BOOTING)

    def test_bootingWithArguments(self) -> None:
        """
        Boot arguments are told, where there are any.
        """
        for disconnect in (False, True):
            self.assertEqual(
                noticeText(ZoneEvent.BOOTING, disconnect, "-m verbose"),
                "NOTICE: Zone booting up with arguments: -m verbose",
            )

    def test_readied(self) -> None:
        """
        A session is told that the zone is ready; arguments don't matter to that.
        """
        self.both(ZoneEvent.READIED, READIED, READIED)
        self.assertEqual(noticeText(ZoneEvent.READIED, arguments="-s"), READIED)

    def test_halted(self) -> None:
        """
        A session is told that the zone halted, and with C{-d} that it ends.
        """
        self.both(ZoneEvent.HALTED, HALTED, HALTED_D)

    def test_reasons(self) -> None:
        """
        Where it is known why a zone halted or did not boot, it is told as well.
        """
        for event, plain in (
            (ZoneEvent.HALTED, HALTED),
            (ZoneEvent.BOOT_FAILED, BOOT_FAILED),
        ):
            self.assertEqual(noticeText(event, False, "x\r"), f"{plain}: x\\x0d")
            self.assertEqual(
                noticeText(event, True, "x\r"), f"{plain}: x\\x0d.  Disconnecting..."
            )

    def test_connection(self) -> None:
        """
        A session is told that the console's connection is lost, and why, and that there
        is one again, and what else there is to know.
        """
        self.assertEqual(
            noticeText(ZoneEvent.CONNECTED, arguments=UNKNOWN_TEXT),
            "NOTICE: Console connected: what was printed before is not known",
        )
        self.both(
            ZoneEvent.CONNECTED,
            "NOTICE: Console connected",
            "NOTICE: Console connected",
        )
        for arguments, text in (
            ("", "NOTICE: Console disconnected"),
            ("x\r", "NOTICE: Console disconnected: x\\x0d"),
        ):
            self.assertEqual(
                noticeText(ZoneEvent.DISCONNECTED, arguments=arguments), text
            )

    def test_rebooting(self) -> None:
        """
        A session is told that the zone reboots.
        """
        self.both(ZoneEvent.REBOOTING, REBOOTING, REBOOTING)

    def test_rebootingWithArguments(self) -> None:
        """
        A reboot's arguments are told.
        """
        self.assertEqual(
            noticeText(ZoneEvent.REBOOTING, arguments="-s"),
            "NOTICE: Zone rebooting with arguments: -s",
        )

    def test_uninstalling(self) -> None:
        """
        A zone that is being uninstalled disconnects everybody.
        """
        self.both(ZoneEvent.UNINSTALLING, UNINSTALLING, UNINSTALLING)

    def test_bootFailed(self) -> None:
        """
        A session is told that the zone did not boot, and with C{-d} that it ends.
        """
        self.both(ZoneEvent.BOOT_FAILED, BOOT_FAILED, BOOT_FAILED_D)

    def test_badArguments(self) -> None:
        """
        Arguments that were not understood are told, even if there are none.
        """
        for arguments in ("-z junk", ""):
            self.assertEqual(
                noticeText(ZoneEvent.BAD_ARGS, arguments=arguments),
                BAD_ARGS + arguments,
            )

    def test_null(self) -> None:
        """
        Nobody is told of the null event.
        """
        self.assertIsNone(noticeText(ZoneEvent.NULL, True, "-s"))

    def test_argumentsAreEscaped(self) -> None:
        """
        Control characters in arguments are shown, not sent.
        """
        self.assertEqual(
            noticeText(ZoneEvent.BOOTING, arguments="\x1b[2J]\r\n[x"),
            r"NOTICE: Zone booting up with arguments: \x1b[2J]\x0d\x0a[x",
        )

    def test_percentIsPlain(self) -> None:
        """
        Percent signs in arguments mean nothing.
        """
        self.assertEqual(
            noticeText(ZoneEvent.BAD_ARGS, arguments="%s %d %%"), BAD_ARGS + "%s %d %%"
        )

    def test_translated(self) -> None:
        """
        The pattern is translated and the arguments are not.
        """
        self.assertEqual(
            noticeText(ZoneEvent.BOOTING, arguments="Zone", translate=str.upper),
            "NOTICE: ZONE BOOTING UP WITH ARGUMENTS: %S",
        )
        german = {"NOTICE: Zone booting up with arguments: %s": "Zone startet: %s"}
        self.assertEqual(
            noticeText(ZoneEvent.BOOTING, arguments="a", translate=german.__getitem__),
            "Zone startet: a",
        )

    def test_plainTranslated(self) -> None:
        """
        A text without arguments is translated as well.
        """
        self.assertEqual(
            noticeText(ZoneEvent.HALTED, True, translate=str.upper), HALTED_D.upper()
        )


class KeptTextTests(SynchronousTestCase):
    """
    What is kept with an event.
    """

    def test_arguments(self) -> None:
        """
        Boot arguments are kept as they are, for they are escaped when they are told.
        """
        text = "-s\n" * 300
        self.assertEqual(keptText(ZoneEvent.BOOTING, text), text)

    def test_reason(self) -> None:
        """
        Why something happened comes from outside: it is one line, and has nothing in it
        that a terminal would act on.
        """
        for event in (ZoneEvent.HALTED, ZoneEvent.BOOT_FAILED):
            self.assertEqual(
                keptText(event, " no\r\n such\tfile\x1b[2J\u202e\udcff "),
                "no such file\\x1b[2J\\u202e\\xff",
            )
            self.assertEqual(keptText(event, ""), "")

    def test_long(self) -> None:
        """
        One that is too long loses its end, by whole characters, and shows that.
        """
        self.assertEqual(EVENT_REASON_MAX, 400)
        fits = "x" * 398 + "\xfc"
        self.assertEqual(keptText(ZoneEvent.HALTED, fits), fits)
        self.assertEqual(
            keptText(ZoneEvent.HALTED, "x" * 396 + "\xfc" * 3), "x" * 396 + "..."
        )


class GapTextTests(SynchronousTestCase):
    """
    A session that missed output is told how much.
    """

    def test_text(self) -> None:
        """
        The number of bytes is told in digits.
        """
        self.assertEqual(gapText(70000), "NOTICE: 70000 bytes skipped")

    def test_translated(self) -> None:
        """
        It is told in the session's language.
        """
        german = {"NOTICE: %s bytes skipped": "%s Bytes fehlen"}
        self.assertEqual(gapText(7, german.__getitem__), "7 Bytes fehlen")


class CountTests(SynchronousTestCase):
    """
    One byte is one, and not "1 bytes".
    """

    def test_one(self) -> None:
        """
        What is told of one byte.
        """
        self.assertEqual(gapText(1), "NOTICE: 1 byte skipped")
        self.assertEqual(
            unconfirmedText(1), "1 byte that was typed may not have reached the zone"
        )
        self.assertEqual(
            droppedText(1),
            "the zone is not the one that the last byte was typed for: it is not sent",
        )
        self.assertEqual(
            unreadText(1), "zone ended before it had read the last byte that was typed"
        )

    def test_more(self) -> None:
        """
        What is told of more.
        """
        self.assertEqual(
            unconfirmedText(12),
            "12 bytes that were typed may not have reached the zone",
        )
        self.assertEqual(
            droppedText(12),
            "the zone is not the one that the last 12 bytes were typed for: they are"
            " not sent",
        )
        self.assertEqual(
            unreadText(12),
            "zone ended before it had read the last 12 bytes that were typed",
        )


class EscapedTests(SynchronousTestCase):
    """
    Text from outside carries nothing invisible.
    """

    def test_plain(self) -> None:
        """
        Visible characters of any script stay as they are.
        """
        text = " ~aZ09\\%[]ü€日本\U0001f600"
        self.assertEqual(escaped(text), text)

    def test_controlCharacters(self) -> None:
        r"""
        Every control character is shown as C{\xNN}.
        """
        for code in (*range(0x20), *range(0x7F, 0xA0)):
            self.assertEqual(escaped(chr(code)), f"\\x{code:02x}")

    def test_invisible(self) -> None:
        """
        Direction overrides, line separators, odd spaces, soft hyphens and private
        characters are shown by their numbers.
        """
        for character, shown in (
            ("\u202e", "\\u202e"),
            ("\u2028", "\\u2028"),
            ("\u2029", "\\u2029"),
            ("\u00a0", "\\xa0"),
            ("\u00ad", "\\xad"),
            ("\u200b", "\\u200b"),
            ("\ufeff", "\\ufeff"),
            ("\ue000", "\\ue000"),
            ("\ud800", "\\ud800"),
            ("\U000e0001", "\\U000e0001"),
        ):
            self.assertEqual(escaped(character), shown)

    def test_bytesThatAreNoText(self) -> None:
        """
        A byte that was no UTF-8 is shown as that byte.
        """
        self.assertEqual(escaped("\udcff\udc80"), "\\xff\\x80")

    @quickly
    @given(st.text())
    def test_anything(self, text: str) -> None:
        """
        Whatever comes in, what goes out is printable and can be encoded.
        """
        shown = escaped(text)
        self.assertTrue(shown.isprintable() or not shown)
        shown.encode("utf-8")


class FramedTests(SynchronousTestCase):
    """
    A legacy session gets a notice in brackets on a line of its own, within 1023 bytes.
    """

    def test_frame(self) -> None:
        """
        The frame is CR LF, the text in brackets, CR LF.
        """
        self.assertEqual(framed(HALTED), b"\r\n[NOTICE: Zone halted]\r\n")

    def test_characterSet(self) -> None:
        """
        The text is in the session's character set.
        """
        for encoding in ("utf-8", "iso8859-1", "koi8-r", "euc-jp"):
            text = "ж" if encoding in ("koi8-r", "euc-jp") else "ü"
            self.assertEqual(
                framed(text, encoding), b"\r\n[" + text.encode(encoding) + b"]\r\n"
            )

    def test_notInTheCharacterSet(self) -> None:
        """
        What the character set lacks becomes a question mark.
        """
        self.assertEqual(framed("zürich"), b"\r\n[z?rich]\r\n")

    def test_longest(self) -> None:
        """
        A notice of 1023 bytes is whole, and a longer one loses its end but never its
        closing bracket.
        """
        room = NOTICE_MAX - 6
        whole = framed("x" * room)
        self.assertEqual(len(whole), 1023)
        self.assertEqual(framed("x" * room + "y"), whole)
        self.assertEqual(framed("x" * 100_000), whole)

    def test_noCharacterIsCut(self) -> None:
        """
        Where it is cut, no character of a multibyte set is cut in two, and as much as
        fits is kept.
        """
        for encoding in ("utf-8", "euc-jp", "gb18030", "shift_jis", "big5"):
            for lead in range(4):
                body = framed("x" * lead + "日" * 900, encoding)
                self.assertLessEqual(len(body), NOTICE_MAX)
                self.assertGreater(len(body), NOTICE_MAX - 4)
                text = body[3:-3].decode(encoding)
                self.assertEqual(text, "x" * lead + "日" * (len(text) - lead))

    @quickly
    @given(
        st.text(max_size=1500),
        st.sampled_from(["ascii", "utf-8", "euc-jp", "gb18030", "iso8859-15"]),
    )
    def test_anything(self, text: str, encoding: str) -> None:
        """
        Whatever the text and the character set, the frame is whole and short enough.
        """
        body = framed(text, encoding)
        self.assertLessEqual(len(body), NOTICE_MAX)
        self.assertTrue(body.startswith(b"\r\n[") and body.endswith(b"]\r\n"))
        body.decode(encoding)
