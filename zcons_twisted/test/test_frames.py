# -*- test-case-name: zcons_twisted.test.test_frames -*-
"""
Tests for L{zcons_twisted.frames}.
"""

from __future__ import annotations

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
    BadFrame,
    Frame,
    FrameReader,
    FrameType,
    encodeFrame,
    encodeGap,
    encodeObject,
    outputHead,
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
