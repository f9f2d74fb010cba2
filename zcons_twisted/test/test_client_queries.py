# -*- test-case-name: zcons_twisted.test.test_client_queries -*-
"""
Tests for L{zcons_twisted.client.queries}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client import queries
from zcons_twisted.client.queries import SEQUENCE_MAX, QueryFilter

from .examples import given, quickly, st

#: What terminals answer.
QUESTIONS = [
    # Device status reports, the cursor's place among them.
    b"\x1b[5n",
    b"\x1b[6n",
    b"\x1b[?6n",
    b"\x1b[?996n",
    # What kind of terminal is it?
    b"\x1b[c",
    b"\x1b[0c",
    b"\x1b[>c",
    b"\x1b[>0c",
    b"\x1b[=c",
    b"\x1b[>q",
    b"\x1bZ",
    b"\x05",
    # Parameters, and whether a mode is set.
    b"\x1b[x",
    b"\x1b[1x",
    b"\x1b[4$p",
    b"\x1b[?2026$p",
    b"\x1b[?u",
    b"\x1b[?4m",
    b"\x1b[?1;1;0S",
    b"\x1b[1$w",
    b"\x1b[1$u",
    b"\x1b[1;1;1;1;2;2*y",
    b"\x1b['|",
    b"\x1b[#R",
    b"\x1b[?2048h",
    # The window.
    b"\x1b[11t",
    b"\x1b[14;2t",
    b"\x1b[18t",
    b"\x1b[021t",
    # Strings, each with the ends that it may have.
    b"\x1bP$qm\x1b\\",
    b"\x1bP+q544e;436f\x1b\\",
    b"\x1bP+Qx\xc2\x9c",
    b"\x1b]11;?\x07",
    b"\x1b]10;?;?\x1b\\",
    b"\x1b]4;1;?;2;?\xc2\x9c",
    b"\x1b]52;c;?\x07",
    b"\x1b]50;?\x07",
    b"\x1b]21;foreground=?\x1b\\",
    b"\x1b]99;i=1:p=?;\x1b\\",
    b"\x1b]60\x1b\\",
    b"\x1b]1337;ReportCellSize\x07",
    b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\",
    # With C1 characters, as they are in UTF-8.
    b"\xc2\x9b6n",
    b"\xc2\x9d11;?\xc2\x9c",
    b"\xc2\x90$qm\x1b\\",
    b"\xc2\x9fGa=q\x1b\\",
    b"\xc2\x9a",
]

#: What they do not answer, some of it very much like what they do.
OTHERS = [
    b"login: ",
    b"\r\n\t\x07\x08",
    "\u041a\u76db\u00dbc 6n ü\u20ac\U0001f600".encode(),
    b"\x9b6n \x9a \xff\xc2 \xc2\xa0",
    b"\x1b[m\x1b[1;31m\x1b[38:5:1m\x1b[>4;1m",
    b"\x1b[2J\x1b[H\x1b[4S\x1b[6d\x1b[10;20r",
    b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?2048l",
    b'\x1b[?1c\x1b[!p\x1b[61"p\x1b[2 q\x1b[2*x\x1b[1;1;2;2;3$x',
    b"\x1b[1t\x1b[8;24;80t\x1b[22;0t\x1b[23t\x1b[24t",
    b"\x1b[s\x1b[u\x1b[>1u\x1b[<u\x1b[=1u\x1b[>4n",
    b"\x1b7\x1b8\x1b(Z\x1b(B\x1b)0\x1b#8\x1bD\x1b=\x1b\\",
    b"\x1b]0;what?\x07\x1b]2;?\x07\x1b]11;#ffffff\x07",
    b"\x1b]8;;http://x/?a;?\x1b\\text\x1b]8;;\x1b\\",
    b"\x1b]52;c;aGk=\x07\x1b]4;1;rgb:00/00/00\x1b\\\x1b]104\x07",
    b"\x1bPq#0!6~\x1b\\\x1bP1$r0m\x1b\\\x1bP1+r544e\x1b\\",
    b"\x1b_Ga=T,f=24;AAAA\x1b\\\x1b^a;?\x1b\\\x1bX?\x1b\\",
    # Broken off.
    b"\x1b[6\x18n\x1b[6\x1an\x1b[\xe9",
]


def filtered(pieces: Sequence[bytes], encoding: str = "utf-8") -> bytes:
    """
    What is shown of some pieces.
    """
    asked = QueryFilter(encoding)
    return b"".join([*map(asked.feed, pieces), asked.end()])


class QueryTests(SynchronousTestCase):
    """
    What asks a terminal is taken out, and nothing else.
    """

    def test_questions(self) -> None:
        """
        Each is gone, and what is around it is there.
        """
        for question in QUESTIONS:
            self.assertEqual(filtered([b"a" + question + b"b"]), b"ab", question)

    def test_others(self) -> None:
        """
        Everything else is passed on byte for byte.
        """
        for other in OTHERS:
            self.assertEqual(filtered([b"a" + other + b"b"]), b"a" + other + b"b")

    def test_split(self) -> None:
        """
        However it is split, and whatever is next to what.
        """
        for other in OTHERS:
            for question in QUESTIONS:
                data = other + question + other
                for at in range(len(data) + 1):
                    shown = filtered([data[:at], data[at:]])
                    self.assertEqual(shown, other + other, (other, question, at))

    def test_bytewise(self) -> None:
        """
        Byte by byte as well.
        """
        data = b"".join(map(b"".join, zip(OTHERS, QUESTIONS, strict=False)))
        wanted = b"".join(OTHERS)
        self.assertEqual(filtered([data[n : n + 1] for n in range(len(data))]), wanted)

    def test_controlsWithin(self) -> None:
        """
        A control character within a sequence does what it does anywhere, so it stays.
        """
        self.assertEqual(filtered([b"\x1b\n[\r6\x08\x7fn"]), b"\n\r\x08\x7f")
        self.assertEqual(filtered([b"\x1b\nZ"]), b"\n")
        self.assertEqual(filtered([b"\x1b\n]11;\n?\x07"]), b"\n")
        self.assertEqual(filtered([b"\x1b[\n1m"]), b"\x1b[\n1m")

    def test_brokenOff(self) -> None:
        """
        A string may be broken off by another sequence, which is looked at, too; and
        then by a CAN in its place, so that it stays broken off.
        """
        self.assertEqual(filtered([b"\x1b]0;title\x1b[6n$"]), b"\x1b]0;title\x18$")
        self.assertEqual(filtered([b"\x1b[\x1b[6n6n"]), b"\x1b[\x186n")
        self.assertEqual(filtered([b"\x1bP\x1b[m\x1b[c"]), b"\x1bP\x1b[m")
        self.assertEqual(filtered([b"\x1b]0;a\xc2\x9b6nb"]), b"\x1b]0;a\x18b")
        self.assertEqual(filtered([b"\x1b]11;?\x1b[m"]), b"\x1b[m")

    def test_unfinished(self) -> None:
        """
        What is not finished at the end is passed on as it is.
        """
        for left in (
            b"\x1b",
            b"\xc2",
            b"\x1b\n",
            b"\x1b[6",
            b"\x1b]11;?",
            b"\x1bP\x1b",
        ):
            held = QueryFilter()
            self.assertEqual(held.feed(b"a" + left), b"a")
            self.assertEqual(held.end(), left)
            self.assertEqual(held.end(), b"")

    def test_limit(self) -> None:
        """
        A sequence of so many bytes is looked at, a longer one passed on.
        """
        self.assertEqual(SEQUENCE_MAX, 4096)
        for ends in ((b"\x1b[", b"6n", b"0"), (b"\x1b]4;1;?;", b"\x1b\\", b"2")):
            begin, end, filling = ends
            longest = begin + filling * (4096 - len(begin + end)) + end
            longer = begin + filling * (4097 - len(begin + end)) + end
            for step in (1, 1000, 4095, 4096, 4097, 9999):
                for data, shown in ((longest, b""), (longer, longer)):
                    pieces = [data[n : n + step] for n in range(0, len(data), step)]
                    self.assertEqual(filtered(pieces), shown)

    def test_afterTheLimit(self) -> None:
        """
        What comes after what was too long is looked at again.
        """
        for filling in range(4085, 4100):
            long = b"\x1b]0;" + b"x" * filling
            for begin in (b"\x1b[", b"\xc2\x9b"):
                shown = filtered([long + begin + b"6n$"])
                self.assertEqual(shown, long + b"\x18$")
            done = long + b"\x1b\\"
            self.assertEqual(filtered([done + b"\x1b[6n$"]), done + b"$")

    def test_nothingButControls(self) -> None:
        """
        That holds as well where so much stands between ESC and what it begins.
        """
        for filling, shown in ((4092, True), (4093, False), (9999, False)):
            data = b"\x1b" + b"\n" * filling + b"[6n"
            wanted = b"\n" * filling if shown else data
            for step in (1, 4096, len(data)):
                pieces = [data[n : n + step] for n in range(0, len(data), step)]
                self.assertEqual(filtered(pieces), wanted)

    def test_memory(self) -> None:
        """
        No more than that is ever held.
        """
        for begin, filling in (
            (b"\x1b", b"\n"),
            (b"\x1b[", b"1;"),
            (b"\x1b]", b"x"),
            (b"\x1bP", b"\xc2\xa0"),
        ):
            bounded = QueryFilter()
            came, shown = 0, 0
            for piece in [begin, *[filling * 50] * 300]:
                came += len(piece)
                shown += len(bounded.feed(piece))
                self.assertLess(came - shown, 4096)

    def test_iso8859(self) -> None:
        """
        Where characters have one byte C1 characters have one, too, unless it is part of
        a character of UTF-8.
        """
        for encoding in ("latin-1", "ascii", "iso8859-15"):
            for question in (b"\x9b6n", b"\x9d11;?\x9c", b"\x9a", b"\xc2\x9b6n"):
                data = b"a" + question + b"b"
                for at in range(len(data) + 1):
                    shown = filtered([data[:at], data[at:]], encoding)
                    self.assertEqual(shown, b"ab")
            for other in (
                "\u041a\u76db\u00dbc 6n".encode(),
                b"\x9b1m",
                b"\x85",
                b"\x9d0;\xc3\x9c\x9c",
            ):
                self.assertEqual(filtered([other], encoding), other)
        for encoding in ("koi8-r", "shift-jis", "utf-8"):
            self.assertEqual(filtered([b"a \x9a\x9b6n"], encoding), b"a \x9a\x9b6n")


class Terminal:
    """
    A terminal, byte by byte: the grammar of ECMA-48 as an automaton.

    @ivar did: what it did, other than to answer.
    @ivar asked: the questions that it was asked.
    """

    def __init__(self) -> None:
        self.did: list[bytes] = []
        self.asked: list[bytes] = []
        self._held = b""

    def shows(self, data: bytes) -> Terminal:
        """
        Be shown something.
        """
        # C1 characters are short for two others.
        for match in re.finditer(rb"\xc2([\x80-\x9f])|[\0-\xff]", data):
            if match[1] is None:
                self._take(match[0])
            else:
                self._take(b"\x1b")
                self._take(bytes([match[1][0] - 0x40]))
        return self

    def _take(self, byte: bytes) -> None:
        held = self._held
        if byte == b"\x05":
            self.asked.append(byte)
        elif byte in b"\x18\x1a":
            self._held = b""
        elif byte == b"\x1b":
            # A string may end so.
            ends = self._isString(held) and not held.endswith(byte)
            self._held = held + byte if ends else byte
        elif self._isString(held) and held.endswith(b"\x1b") and held != b"\x1b":
            self._held = b"\x1b"
            self._whole(held[:-1]) if byte == b"\\" else self._take(byte)
        elif self._isString(held):
            if byte == b"\x07" and held[1:2] == b"]":
                self._whole(held)
            elif byte >= b" " and byte != b"\x7f":
                self._held += byte
        elif byte == b"\0":
            # It is there to fill time.
            return
        elif not held or byte < b" " or byte == b"\x7f":
            self.did.append(byte)
        else:
            self._goOn(held + byte, byte)

    def _goOn(self, held: bytes, byte: bytes) -> None:
        last = b" /" if not held.startswith(b"\x1b[") else b" ?"
        self._held = held
        if byte >= b"\x80":
            self._held = b""
            self.did.append(byte)
        elif not last[:1] <= byte <= last[1:] and not self._begins(held):
            self._whole(held)

    def _begins(self, held: bytes) -> bool:
        return held == b"\x1b[" or self._isString(held)

    def _isString(self, held: bytes) -> bool:
        return held[1:2] in (b"]", b"P", b"_", b"X", b"^")

    def _whole(self, sequence: bytes) -> None:
        self._held = b""
        kind, said = sequence[1:2], sequence[2:]
        asking = {
            b"[": queries._CONTROLS,
            b"]": queries._COMMANDS,
            b"P": queries._DEVICE,
            b"_": queries._PROGRAM,
        }.get(kind)
        if sequence == b"\x1bZ" or (asking and asking.fullmatch(said)):
            self.asked.append(sequence)
        else:
            self.did.append(sequence)


def _pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    start = 0
    for cut in sorted(cut % (len(data) + 1) for cut in cuts):
        yield data[start:cut]
        start = cut
    yield data[start:]


#: Sequences that are not finished.
BEGUN = [b"\x1b", b"\x1b(", b"\x1b\n", b"\x1b[", b"\x1b[?6", b"\x1b]0;a", b"\x1b]11;?"]
BEGUN += [b"\x1bP", b"\x1bP+q", b"\x1b_", b"\xc2\x9b", b"\xc2\x9d", b"\xc2", b"\x1bX"]

#: How they may go on.
RESTS = [b"[6n", b"]11;?\x07", b"6n", b"n", b"c", b";?\x07", b"?\x1b\\", b"Z", b"\\"]
RESTS += [b"\x9b", b"\x9c", b"\x18", b"\x05", b"\x07", b"\n", b"\xe9", b"$p", b"4;1"]

_tokens: Any = st.sampled_from(QUESTIONS + OTHERS + 4 * BEGUN + 4 * RESTS)
_streams: Any = st.lists(_tokens, max_size=12).map(b"".join)
_cuts: Any = st.lists(st.integers(0, 200), max_size=6)


class PropertyTests(SynchronousTestCase):
    """
    What holds of whatever a zone prints.
    """

    @quickly
    @given(_streams, _cuts, st.sampled_from(["utf-8", "latin-1"]))
    def test_split(self, data: bytes, cuts: list[int], encoding: str) -> None:
        """
        How it is split does not matter.
        """
        whole = filtered([data], encoding)
        self.assertEqual(filtered(list(_pieces(data, cuts)), encoding), whole)

    @quickly
    @given(_streams)
    def test_terminal(self, data: bytes) -> None:
        """
        A terminal that is shown the rest does all that it did, but answers nothing.
        """
        self.same(data)

    def same(self, data: bytes) -> None:
        """
        Does it?
        """
        before = Terminal().shows(data)
        after = Terminal().shows(filtered([data]))
        self.assertEqual((after.asked, after.did), ([], before.did), data)

    def test_joined(self) -> None:
        """
        Where a question is taken out, what was before it and what comes after it make
        nothing new.
        """
        for begun in BEGUN:
            for question in QUESTIONS:
                for rest in RESTS:
                    self.same(begun + question + rest + b"$")

    @quickly
    @given(st.binary(max_size=200))
    def test_text(self, data: bytes) -> None:
        """
        Where nothing begins nothing is taken out.
        """
        text = re.sub(rb"[\x05\x1b\xc2]", b"", data)
        self.assertEqual(filtered([text]), text)

    def test_itAnswers(self) -> None:
        """
        The terminal that is asked here does answer.
        """
        for question in QUESTIONS:
            terminal = Terminal().shows(b"a" + question + b"b")
            self.assertEqual(len(terminal.asked), 1, question)
            self.assertEqual(terminal.did, [b"a", b"b"])
        terminal = Terminal().shows(b"\x1b[\n6n\x1b]0;x\x1b[6n\x1b[6\x18\x1b\n[c")
        self.assertEqual(len(terminal.asked), 3)
