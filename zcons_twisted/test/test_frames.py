# -*- test-case-name: zcons_twisted.test.test_frames -*-
"""
Tests for L{zcons_twisted.frames}.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from ..frames import (
    CLIENT_TYPES,
    HEAD_SIZE,
    INPUT_MAX,
    OUTPUT_MAX,
    PAYLOAD_MAX,
    PING_MAX,
    SERVER_TYPES,
    VERSION,
    Attach,
    BadFrame,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    encodeGap,
    encodeObject,
    formatAttach,
    isAttach,
    outputHead,
    parseAttach,
    parseGap,
    parseObject,
    parseOutput,
)
from .examples import given, quickly, st
from .support import splits

_EVERY = SERVER_TYPES | CLIENT_TYPES


class EncodingTests(SynchronousTestCase):
    """
    Frames are what the specification says, to the byte.
    """

    def test_limits(self) -> None:
        """
        The limits are those that are documented.
        """
        self.assertEqual(
            (VERSION, HEAD_SIZE, PAYLOAD_MAX, OUTPUT_MAX, INPUT_MAX, PING_MAX),
            (1, 4, 65536, 32768, 32768, 64),
        )

    def test_types(self) -> None:
        """
        Every type has its number.
        """
        self.assertEqual(
            {kind.name: int(kind) for kind in SERVER_TYPES},
            {
                "OUTPUT": 1,
                "GAP": 2,
                "NOTICE": 3,
                "OPERATOR": 4,
                "END": 5,
                "PONG": 6,
                "ANSWER": 7,
                "CONFIRMED": 8,
            },
        )
        self.assertEqual(
            {kind.name: int(kind) for kind in CLIENT_TYPES},
            {
                "INPUT": 0x41,
                "WINDOW": 0x42,
                "BREAK": 0x43,
                "SEAT": 0x44,
                "PING": 0x45,
                "LEAVE": 0x46,
                "CONFIRM": 0x47,
            },
        )

    def test_frame(self) -> None:
        """
        One byte of type, three of length, and the payload.
        """
        self.assertEqual(encodeFrame(FrameType.BREAK), b"\x43\0\0\0")
        self.assertEqual(encodeFrame(FrameType.INPUT, b"ls\n"), b"\x41\0\0\x03ls\n")
        self.assertEqual(
            encodeFrame(FrameType.INPUT, b"x" * 65536)[:5], b"\x41\x01\0\0x"
        )

    def test_tooLong(self) -> None:
        """
        A payload beyond the limit can't be sent.
        """
        error = self.assertRaises(
            BadFrame, encodeFrame, FrameType.INPUT, b"x" * (PAYLOAD_MAX + 1)
        )
        self.assertEqual(str(error), "a payload of 65537 bytes is too long")

    def test_output(self) -> None:
        """
        Output has its offset in front of it.
        """
        head = outputHead(0x0102030405060708, 3)
        self.assertEqual(head, b"\x01\0\0\x0b\x01\x02\x03\x04\x05\x06\x07\x08")
        self.assertEqual(parseOutput(head[4:] + b"abc"), (0x0102030405060708, b"abc"))
        self.assertEqual(parseOutput(bytes(8)), (0, b""))
        self.assertRaises(BadFrame, parseOutput, bytes(7))

    def test_gap(self) -> None:
        """
        A gap has its offset and its size.
        """
        self.assertEqual(
            encodeGap(5, 258), b"\x02\0\0\x10" + bytes(7) + b"\x05" + bytes(6) + b"\1\2"
        )
        self.assertEqual(parseGap(encodeGap(2**64 - 1, 7)[4:]), (2**64 - 1, 7))
        for size in (0, 8, 15, 17):
            self.assertRaises(BadFrame, parseGap, bytes(size))

    def test_object(self) -> None:
        """
        An object is JSON in ASCII on one line.
        """
        self.assertEqual(
            encodeObject({"a": "ü\n", "b": 1}), b'{"a":"\\u00fc\\n","b":1}'
        )
        self.assertEqual(parseObject('{"a": "ü"}'.encode()), {"a": "ü"})

    def test_noObject(self) -> None:
        """
        What is no object is refused, whatever it is.
        """
        for payload in (b"", b"{", b"\xff", b"{}x", b"[" * 100_000, b"1" * 5000):
            error = self.assertRaises(BadFrame, parseObject, payload)
            self.assertEqual(str(error), "it is not JSON")
        for payload in (b"[]", b"1", b"null", b'"{}"'):
            error = self.assertRaises(BadFrame, parseObject, payload)
            self.assertEqual(str(error), "it is no JSON object")


class ReaderTests(SynchronousTestCase):
    """
    Frames are found in a stream, however it is cut.
    """

    def test_splitAnywhere(self) -> None:
        """
        Wherever it is cut in two, or into bytes, the same frames come out.
        """
        frames = [
            Frame(FrameType.INPUT, b"ls\n"),
            Frame(FrameType.BREAK, b""),
            Frame(FrameType.PING, b"\0\xff"),
        ]
        stream = b"".join(encodeFrame(frame.type, frame.payload) for frame in frames)
        for head, tail in splits(stream):
            reader = FrameReader(CLIENT_TYPES)
            self.assertEqual([*reader.feed(head), *reader.feed(tail)], frames)
        reader = FrameReader(CLIENT_TYPES)
        found = [frame for byte in stream for frame in reader.feed(bytes([byte]))]
        self.assertEqual(found, frames)

    def test_everyType(self) -> None:
        """
        Of all bytes that a frame can begin with, only those that may come do.
        """
        for types in (CLIENT_TYPES, SERVER_TYPES):
            for byte in range(256):
                reader = FrameReader(types)
                if byte in {int(kind) for kind in types}:
                    (frame,) = reader.feed(bytes([byte, 0, 0, 0]))
                    self.assertEqual(int(frame.type), byte)
                else:
                    error = self.assertRaises(
                        BadFrame, list, reader.feed(bytes([byte, 0, 0, 0]))
                    )
                    self.assertEqual(
                        str(error), f"a frame of type 0x{byte:02x} has no place"
                    )

    def test_tooLong(self) -> None:
        """
        A payload beyond the limit is refused by its head, before it comes.
        """
        reader = FrameReader(CLIENT_TYPES, 10)
        whole = encodeFrame(FrameType.INPUT, b"x" * 10)
        self.assertEqual(len(list(reader.feed(whole))), 1)
        error = self.assertRaises(BadFrame, list, reader.feed(b"\x41\0\0\x0b"))
        self.assertEqual(str(error), "a payload of 11 bytes is too long")
        reader = FrameReader(CLIENT_TYPES)
        self.assertRaises(BadFrame, list, reader.feed(b"\x41\xff\xff\xff"))

    def test_before(self) -> None:
        """
        What came whole before something malformed is given out.
        """
        found = []
        with self.assertRaises(BadFrame):
            for frame in FrameReader(CLIENT_TYPES).feed(b"\x43\0\0\0\xff\0\0\0"):
                found.append(frame)
        self.assertEqual(found, [Frame(FrameType.BREAK, b"")])

    def test_take(self) -> None:
        """
        All of one type can be taken out from among the others, up to what ends it;
        what is not complete yet stays as well.
        """
        typed = [encodeFrame(FrameType.INPUT, b"%d" % n) for n in range(5)]
        ping = encodeFrame(FrameType.PING, b"p")
        seat = encodeFrame(FrameType.SEAT, b"{}")
        stream = typed[0] + ping + typed[1] + typed[2] + seat + typed[3] + ping
        ends = (len(stream), b"012", FrameType.SEAT), (len(typed[0]) + 7, b"0", None)
        for end, taken, why in ends:
            reader = FrameReader(CLIENT_TYPES)
            until = frozenset((FrameType.SEAT,))
            found = reader.take(FrameType.INPUT, until, stream[:end])
            self.assertEqual(found, (taken, why))
            left = list(reader.feed(stream[end:] + typed[4]))
            kinds = [(frame.type, frame.payload) for frame in left]
            rest = b"12" if end < len(stream) else b""
            self.assertEqual(
                kinds,
                [
                    (FrameType.PING, b"p"),
                    *((FrameType.INPUT, b"%c" % n) for n in rest),
                    (FrameType.SEAT, b"{}"),
                    (FrameType.INPUT, b"3"),
                    (FrameType.PING, b"p"),
                    (FrameType.INPUT, b"4"),
                ],
            )

    def test_takeWhileGivingOut(self) -> None:
        """
        Whoever gets a frame may take what is behind it, and gets the rest in its turn.
        """
        typed = [encodeFrame(FrameType.INPUT, b"%d" % n) for n in range(3)]
        ping = encodeFrame(FrameType.PING, b"p")
        reader = FrameReader(CLIENT_TYPES)
        got = []
        for frame in reader.feed(typed[0] + ping + typed[1]):
            got.append(frame.payload)
            if len(got) == 1:
                got.append(reader.take(FrameType.INPUT, frozenset(), typed[2])[0])
        self.assertEqual(got, [b"0", b"12", b"p"])

    def test_takeNoFrame(self) -> None:
        """
        What is no frame ends it, and is found by whoever reads on.
        """
        reader = FrameReader(CLIENT_TYPES)
        typed = encodeFrame(FrameType.INPUT, b"x")
        stream = typed + b"\x00\x00\x00\x00" + typed
        taken = reader.take(FrameType.INPUT, frozenset(), stream)
        self.assertEqual(taken, (b"x", None))
        self.assertRaises(BadFrame, list, reader.feed(b""))

    def test_fedInBetween(self) -> None:
        """
        Whoever gets a frame may feed what comes next: it comes behind what is there.
        """
        stream = b"".join(encodeFrame(FrameType.PING, b"%d" % n) for n in range(6))
        for head, tail in splits(stream):
            for first, second in splits(head):
                reader = FrameReader(CLIENT_TYPES)
                found = [frame.payload for frame in reader.feed(first)]
                fed = False
                for frame in reader.feed(second):
                    found.append(frame.payload)
                    if not fed:
                        fed = True
                        found += [each.payload for each in reader.feed(tail)]
                if not fed:
                    found += [each.payload for each in reader.feed(tail)]
                self.assertEqual(found, [b"%d" % n for n in range(6)])

    @quickly
    @given(
        st.lists(st.tuples(st.sampled_from(sorted(_EVERY)), st.binary(max_size=300))),
        st.lists(st.integers(1, 400)),
    )
    def test_roundTrip(
        self, sent: list[tuple[FrameType, bytes]], cuts: list[int]
    ) -> None:
        """
        Whatever is sent, cut wherever, is what comes.
        """
        stream = b"".join(encodeFrame(kind, payload) for kind, payload in sent)
        reader = FrameReader(_EVERY)
        found = []
        for cut in [*cuts, len(stream)]:
            found += list(reader.feed(stream[:cut]))
            stream = stream[cut:]
        found += list(reader.feed(stream))
        self.assertEqual([(f.type, f.payload) for f in found], sent)

    @quickly
    @given(st.lists(st.binary(max_size=60)))
    def test_anything(self, pieces: list[bytes]) -> None:
        """
        Whatever comes is frames or is refused.
        """
        reader = FrameReader(CLIENT_TYPES, 30)
        try:
            for piece in pieces:
                for frame in reader.feed(piece):
                    self.assertLessEqual(len(frame.payload), 30)
        except BadFrame:
            return


_STARTS = st.one_of(
    st.sampled_from(["live", "all"]),
    st.tuples(st.sampled_from(["lines", "bytes", "offset"]), st.integers(0, 2**63)),
)


class AttachTests(SynchronousTestCase):
    """
    An C{ATTACH} line says what a client asks for.
    """

    def parse(self, **given_: object) -> Attach:
        """
        Parse a line of version 1 with these members.
        """
        return parseAttach(b"ATTACH " + json.dumps({"v": 1, **given_}).encode())

    def bad(self, **given_: object) -> str:
        """
        @return: what is wrong with one.
        """
        return str(self.assertRaises(BadFrame, self.parse, **given_))

    def test_word(self) -> None:
        """
        Its word, and a space behind it, make it one.
        """
        self.assertTrue(isAttach(b"ATTACH {}"))
        for line in (b"ATTACH", b"ATTACHED {}", b"attach {}", b" ATTACH {}", b""):
            self.assertFalse(isAttach(line), line)

    def test_line(self) -> None:
        """
        A line is the word, an object and a newline.
        """
        self.assertEqual(
            formatAttach(Attach()),
            b'ATTACH {"v":1,"role":"operator","start":"live","disconnect":false,'
            b'"locale":"C","rows":0,"columns":0}\n',
        )

    def test_defaults(self) -> None:
        """
        Whoever says nothing asks for the seat and what is printed from now on.
        """
        self.assertEqual(self.parse(), Attach())
        self.assertEqual(parseAttach(b"ATTACH {}"), Attach())

    def test_everything(self) -> None:
        """
        Everything can be asked for.
        """
        asked = Attach("take", ("offset", 2**63), True, "de_DE.UTF-8", 65535, 1)
        self.assertEqual(parseAttach(formatAttach(asked)[:-1]), asked)
        for role in ("operator", "watch", "take"):
            self.assertEqual(self.parse(role=role).role, role)
        self.assertEqual(self.parse(start="all").start, "all")

    def test_newer(self) -> None:
        """
        A newer client is understood as far as that goes.
        """
        self.assertEqual(self.parse(v=2, colour="red"), Attach())

    def test_bad(self) -> None:
        """
        Each member that is wrong is told.
        """
        for version in (0, -1, "1", 1.0, None, True, 2**31 + 1):
            self.assertIn("v must be a number", self.bad(v=version))
        roles: list[object] = ["root", "", 1, None, ["watch"], {}]
        for role in roles:
            self.assertIn("role must be one of", self.bad(role=role))
        for locale in (7, None, "x" * 256, "de DE", "\x1b[2J", "\u00fc", "\ud800"):
            self.assertIn("locale must be", self.bad(locale=locale))
        for disconnect in (0, 1, "true", None):
            self.assertIn("disconnect must be", self.bad(disconnect=disconnect))
        for rows in (-1, 65536, 1.5, "24", True, None):
            self.assertIn("rows must be", self.bad(rows=rows))
            self.assertIn("columns must be", self.bad(columns=rows))

    def test_badStart(self) -> None:
        """
        So is a beginning that there is not.
        """
        starts: list[object] = [
            "now",
            7,
            None,
            [],
            {},
            {"lines": 1, "bytes": 1},
            {"lines": -1},
            {"lines": "1"},
            {"bytes": 1.0},
            {"offset": True},
            {"offset": 2**63 + 1},
            {"words": 1},
        ]
        for start in starts:
            self.assertIn("start must be", self.bad(start=start))

    def test_resume(self) -> None:
        """
        An offset can say of which history it is; other beginnings have none.
        """
        asked = Attach("watch", ("offset", 7), birth="0123456789abcdef")
        line = formatAttach(asked)[:-1]
        self.assertIn(b'"start":{"offset":7,"birth":"0123456789abcdef"}', line)
        self.assertEqual(parseAttach(line), asked)
        self.assertEqual(self.parse(start={"offset": 7, "birth": ""}).birth, "")
        births: list[object] = [7, None, "0" * 15, "0" * 17, "G" * 16, "0" * 15 + "\n"]
        for birth in births:
            error = self.bad(start={"offset": 7, "birth": birth})
            self.assertEqual(error, "birth must be what an answer has told")
        start = {"lines": 7, "birth": "0" * 16}
        self.assertIn("start must be", self.bad(start=start))

    def test_boot(self) -> None:
        """
        What was printed since the boot can be asked for.
        """
        line = formatAttach(Attach("watch", "boot"))[:-1]
        self.assertIn(b'"start":{"boot":true}', line)
        self.assertEqual(parseAttach(line), Attach("watch", "boot"))
        for start in ({"boot": 1}, {"boot": False}, {"boot": "true"}, "boot"):
            self.assertIn("start must be", self.bad(start=start))

    def test_noObject(self) -> None:
        """
        So is what is no object.
        """
        for rest in (b"", b"7 C 0", b"[]", b'"x"', b"{", b"{}}", b"\xff", b"nul\0"):
            self.assertRaises(BadFrame, parseAttach, b"ATTACH " + rest)

    def test_longLine(self) -> None:
        """
        A line beyond the limit of first lines can't be sent.
        """
        formatAttach(Attach(locale="x" * 255))
        self.assertRaises(BadFrame, formatAttach, Attach(locale="x" * 1000))

    @quickly
    @given(
        st.sampled_from(["operator", "watch", "take"]),
        _STARTS,
        st.booleans(),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=255),
        st.integers(0, 65535),
        st.integers(0, 65535),
    )
    def test_roundTrip(
        self,
        role: str,
        start: str | tuple[str, int],
        disconnect: bool,
        locale: str,
        rows: int,
        columns: int,
    ) -> None:
        """
        Whatever can be asked for is understood.
        """
        asked = Attach(role, start, disconnect, locale, rows, columns)
        self.assertEqual(parseAttach(formatAttach(asked)[:-1]), asked)

    @quickly
    @given(st.binary(max_size=100))
    def test_anything(self, rest: bytes) -> None:
        """
        Whatever comes is understood or refused.
        """
        try:
            parseAttach(b"ATTACH " + rest)
        except BadFrame as e:
            self.assertTrue(str(e))
