# -*- test-case-name: zcons_twisted.test.test_ident -*-
"""
Tests for L{zcons_twisted.ident}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..errors import BadIdent
from ..ident import (
    IDENT_LINE_MAX,
    OK,
    PID_MAX,
    Ident,
    LineReader,
    busyReply,
    formatIdent,
    parseIdent,
)
from .examples import given, quickly, st
from .support import splits

#: Lines that some client in the wild sends, and what they mean.
ACCEPTED = [
    # Dialect A: illumos since 2015.
    (b"IDENT 123 C 1", Ident("A", 123, "C", True)),
    (b"IDENT 123 C 0", Ident("A", 123, "C", False)),
    (b"IDENT 123 POSIX 0", Ident("A", 123, "POSIX", False)),
    (b"IDENT 123 en_US.UTF-8 1", Ident("A", 123, "en_US.UTF-8", True)),
    (b"IDENT 2147483647 C 0", Ident("A", PID_MAX, "C", False)),
    # The flag is any digit but 0, as the C program has it.
    (b"IDENT 123 C 9", Ident("A", 123, "C", True)),
    # A program without a pid of its own.
    (b"IDENT 0 C 0", Ident("A", 0, "C", False)),
    # An empty locale is C.
    (b"IDENT 123  1", Ident("A", 123, "", True)),
    # Dialect B: SmartOS and OmniOS; 1 is disconnect, 2 is end of file.
    (b"IDENT C 0", Ident("B", None, "C", False)),
    (b"IDENT C 1", Ident("B", None, "C", True)),
    (b"IDENT C 2", Ident("B", None, "C", False)),
    (b"IDENT C 3", Ident("B", None, "C", True)),
    (b"IDENT en_US.UTF-8 10", Ident("B", None, "en_US.UTF-8", False)),
    (b"IDENT en_US.UTF-8 4294967295", Ident("B", None, "en_US.UTF-8", True)),
    # Dialect 0: Solaris 10 and illumos before 2015.
    (b"IDENT 123 C", Ident("0", 123, "C", False)),
    (b"IDENT 123 POSIX", Ident("0", 123, "POSIX", False)),
    (b"IDENT 123 en_US.UTF-8", Ident("0", 123, "en_US.UTF-8", False)),
]

#: Lines that are refused: most of them fit what the C program takes by accident.
REFUSED = [
    b"",
    b"IDENT",
    b"IDENT ",
    b"IDENT  ",
    b"ident 1 C 0",
    b"IDENTITY 1 C 0",
    b" IDENT 1 C 0",
    # It would read outside its text.
    b"IDENT 123",
    b"IDENT 123 ",
    # It would take the 1 for both the locale and the flag.
    b"IDENT 123 1",
    # It takes a sign, no number at all, and any base.
    b"IDENT -5 C 1",
    b"IDENT +5 C 1",
    b"IDENT abc C 1",
    b"IDENT 0x10 C 1",
    # It cuts these down to 32 bits, or refuses them as well.
    b"IDENT 99999999999 C 0",
    b"IDENT 99999999999999999999 C 0",
    b"IDENT 2147483648 C 0",
    b"IDENT 2147483648 C",
    # It looks at the last character only.
    b"IDENT 123 C 10",
    b"IDENT 123 C -1",
    b"IDENT 123 C x",
    # Remains of another line end, and more than a line.
    b"IDENT 123 C 1 ",
    b"IDENT 123 C 1\r",
    b"IDENT 123 C 1\n",
    b"IDENT 123  C 1",
    b"IDENT  123 C 1",
    b"IDENT\t123 C 1",
    b"IDENT 123 C 1\0",
    b"IDENT 123 C\0 1",
    b"IDENT 123 a b 1",
    b"IDENT 123 \xc3\xa9 1",
    b"IDENT C",
    b"IDENT \xc3\xa9 1",
    b"IDENT C 12345678901",
    b"ATTACH {}",
]


class ParseIdentTests(SynchronousTestCase):
    """
    A first line is one of three dialects, or refused.
    """

    def test_accepted(self) -> None:
        """
        Every line that a client in the wild sends is understood.
        """
        for line, ident in ACCEPTED:
            self.assertEqual(parseIdent(line), ident, line)

    def test_refused(self) -> None:
        """
        A line that fits no dialect is refused, whatever the C program made of it.
        """
        for line in REFUSED:
            error = self.assertRaises(BadIdent, parseIdent, line)
            self.assertTrue(str(error).isprintable(), line)

    def test_refusalIsShort(self) -> None:
        """
        A refusal shows the beginning of what came, and no more.
        """
        error = self.assertRaises(BadIdent, parseIdent, b"\xff" * 1000)
        self.assertLess(len(str(error)), 300)

    def test_longestLine(self) -> None:
        """
        A line of 1023 bytes is parsed whole.
        """
        line = b"IDENT 1 " + b"x" * (IDENT_LINE_MAX - 10) + b" 1"
        self.assertEqual(len(line), 1023)
        self.assertEqual(parseIdent(line), Ident("A", 1, "x" * 1013, True))

    @quickly
    @given(st.binary(max_size=1100) | st.binary(max_size=40).map(b"IDENT ".__add__))
    def test_anything(self, line: bytes) -> None:
        """
        Whatever a peer sends is an identity or refused, and nothing else happens.
        """
        try:
            parseIdent(line)
        except BadIdent:
            pass

    @quickly
    @given(
        st.text(" 0123456789abcC-+._\n\r\0\t", max_size=24).map(str.encode),
    )
    def test_almostRight(self, rest: bytes) -> None:
        """
        A line that is almost right is taken only if each field is what it should be.
        """
        line = b"IDENT " + rest
        try:
            ident = parseIdent(line)
        except BadIdent:
            return
        self.assertTrue(ident.pid is None or 0 <= ident.pid <= PID_MAX)
        self.assertEqual(ident.dialect == "B", ident.pid is None)
        self.assertTrue(set(ident.locale).isdisjoint(" \n\r\0\t"))


class FormatIdentTests(SynchronousTestCase):
    """
    Our own client speaks illumos' dialect.
    """

    def test_line(self) -> None:
        """
        The line is the one that C{zlogin -C} sends.
        """
        self.assertEqual(formatIdent(123, "C", False), b"IDENT 123 C 0\n")
        self.assertEqual(
            formatIdent(9, "de_DE.UTF-8", True), b"IDENT 9 de_DE.UTF-8 1\n"
        )

    def test_longest(self) -> None:
        """
        A line of 1023 bytes is sent, and a longer one is not.
        """
        locale = "x" * (IDENT_LINE_MAX - len("IDENT 1  0"))
        self.assertEqual(len(formatIdent(1, locale, False)), 1024)
        error = self.assertRaises(BadIdent, formatIdent, 1, locale + "x", False)
        self.assertEqual(str(error), "locale name of 1014 characters is too long")

    def test_nothingThatAServerRefuses(self) -> None:
        """
        A locale or a pid that would make another line of it is refused here.
        """
        for pid, locale in ((1, "a b"), (1, "a\n"), (-1, "C"), (2**31, "C")):
            self.assertRaises(BadIdent, formatIdent, pid, locale, False)

    def test_localeBeyondAscii(self) -> None:
        """
        A locale's name with other than ASCII in it is sent with question marks.
        """
        self.assertEqual(formatIdent(1, "é", False), b"IDENT 1 ? 0\n")

    @quickly
    @given(
        st.integers(0, PID_MAX),
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=80),
        st.booleans(),
    )
    def test_roundTrip(self, pid: int, locale: str, disconnect: bool) -> None:
        """
        What our client says of itself arrives as it was meant.
        """
        line = formatIdent(pid, locale, disconnect)
        self.assertEqual(line[-1:], b"\n")
        self.assertEqual(parseIdent(line[:-1]), Ident("A", pid, locale, disconnect))


class RepliesTests(SynchronousTestCase):
    """
    The server's two replies are the seed's, byte for byte.
    """

    def test_ok(self) -> None:
        """
        A client that is seated gets three bytes.
        """
        self.assertEqual(OK, b"OK\n")

    def test_busy(self) -> None:
        """
        A client that finds the seat taken gets the holder's pid in decimal digits.
        """
        self.assertEqual(busyReply(4711), b"4711\n")
        self.assertEqual(busyReply(0), b"0\n")


class LineReaderTests(SynchronousTestCase):
    """
    The first line may come in any pieces, within its limit.
    """

    def test_splitAnywhere(self) -> None:
        """
        A line is the same however it is cut in two, and what follows it is kept.
        """
        for head, tail in splits(b"IDENT 1 C 0\nls\n"):
            reader = LineReader()
            found = reader.feed(head)
            if found is None:
                self.assertEqual(reader.feed(tail), (b"IDENT 1 C 0", b"ls\n"))
            else:
                line, rest = found
                self.assertEqual((line, rest + tail), (b"IDENT 1 C 0", b"ls\n"))

    def test_byteByByte(self) -> None:
        """
        A line that comes byte by byte is there with its newline, not before.
        """
        reader = LineReader()
        for byte in b"IDENT 1 C 0":
            self.assertIsNone(reader.feed(bytes([byte])))
        self.assertEqual(reader.feed(b"\n"), (b"IDENT 1 C 0", b""))

    def test_longest(self) -> None:
        """
        1023 bytes before the newline are taken.
        """
        reader = LineReader()
        self.assertIsNone(reader.feed(b"x" * 1023))
        self.assertEqual(reader.feed(b"\nrest"), (b"x" * 1023, b"rest"))

    def test_tooLong(self) -> None:
        """
        The 1024th byte is too many, whether a newline comes or not.
        """
        for data in (b"x" * 1024, b"x" * 1024 + b"\n"):
            error = self.assertRaises(BadIdent, LineReader().feed, data)
            self.assertEqual(str(error), "first line is longer than 1023 bytes")

    def test_tooLongInPieces(self) -> None:
        """
        The limit holds for all pieces together, and nothing is kept beyond it.
        """
        reader = LineReader()
        reader.feed(b"x" * 1000)
        self.assertRaises(BadIdent, reader.feed, b"x" * 24)
        self.assertEqual(reader.end(), b"")

    def test_muchAfterTheLine(self) -> None:
        """
        What follows the line is no part of it, however much it is.
        """
        paste = b"y" * 100_000
        self.assertEqual(LineReader().feed(b"a\n" + paste), (b"a", paste))

    def test_endWithoutNewline(self) -> None:
        """
        A line that ends with the connection is given out, once.
        """
        reader = LineReader()
        reader.feed(b"IDENT 123 C 1")
        self.assertEqual([reader.end(), reader.end()], [b"IDENT 123 C 1", b""])

    @quickly
    @given(st.lists(st.binary(max_size=400), max_size=8))
    def test_anyPieces(self, pieces: list[bytes]) -> None:
        """
        Whatever comes in whatever pieces, the first line and the rest are what they
        would be in one piece.
        """
        reader = LineReader()
        whole = b"".join(pieces)
        line, newline, rest = whole.partition(b"\n")
        try:
            for at, piece in enumerate(pieces):
                found = reader.feed(piece)
                if found is not None:
                    self.assertEqual(found[0], line)
                    self.assertEqual(found[1] + b"".join(pieces[at + 1 :]), rest)
                    return
        except BadIdent:
            self.assertGreater(len(line), IDENT_LINE_MAX)
        else:
            self.assertEqual((newline, reader.end()), (b"", whole))
