# -*- test-case-name: zcons_twisted.test.test_client_queries -*-
r"""
Escape sequences that a terminal answers, taken out of what a zone printed long ago.

Programs ask terminals where the cursor is, of what kind they are, what their colors
are, and wait for the answer.  A terminal that is shown such a question again answers
it again, and the answer is typed: into the zone, whose shell has not asked, or into
the user's own shell.  So what was printed before somebody came is shown without its
questions.  What the zone prints from then on is not touched.

Questions are control sequences (C{CSI 6 n}: where is the cursor?), strings (C{OSC 11 ;
? ST}: of what color is the background?) and single characters (ENQ).  What is no
question is passed on byte for byte.  Only an unfinished sequence waits for its end, and
is passed on as it is when it is longer than L{SEQUENCE_MAX}.  A question that broke off
another sequence leaves a CAN in its place, which does that, too: or what follows would
be taken for the rest of it, and might make a question of it.

The names are those of ECMA-48, of DEC's manuals and of xterm's C{ctlseqs}.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import partial

__all__ = ["SEQUENCE_MAX", "QueryFilter"]

#: A sequence of more bytes than this is passed on, whatever it is.
SEQUENCE_MAX = 4096

#: It asks wherever it stands: not every terminal knows every string around it.
_ENQ = b"\x05"

# After the first half of a C1 character there has to be something: NUL does nothing.
_afterHalf = partial(re.compile(rb"\xc2\x05+").sub, b"\xc2\0")

# It breaks off whatever sequence there is, and does nothing else.
_CAN = b"\x18"

# Control characters that do not break off the sequence that they are in: they do there
# what they do anywhere.
_WITHIN = rb"\x00-\x17\x19\x1c-\x1f\x7f"
_onlyWithin = partial(re.compile(rb"[^%s]+" % _WITHIN).sub, b"")
_withoutThem = partial(re.compile(rb"[%s]+" % _WITHIN).sub, b"")

# What is a question, of what comes after its beginning.
_CONTROLS = re.compile(
    rb"[?=]?%(n)sn"  # DSR: status, the cursor's place, colors
    rb"|[>=]?%(n)sc"  # DA1, DA2, DA3: what kind of terminal
    rb"|>%(n)sq"  # XTVERSION
    rb"|%(n)sx"  # DECREQTPARM
    rb"|\??%(n)s\$p"  # DECRQM: is a mode set?
    rb"|0*(?:1[1-9]|2[01])(?:[:;]%(n)s)?t"  # XTWINOPS, as far as they are reports
    rb"|\?%(n)s[ugmS]"  # keyboard flags, XTQFMTKEYS, XTQMODKEYS, XTSMGRAPHICS
    rb"|%(n)s\$[uw]"  # DECRQTSR, DECRQPSR: the terminal's state
    rb"|%(n)s[&,]u|%(n)s\"v|%(n)s\+x"  # DECRQUPSS, DECRQKT, DECRQDE, DECRQPKFM
    rb"|%(n)s\*y|%(n)s'\|"  # DECRQCRA: a checksum; DECRQLP: the mouse's place
    rb"|%(n)s#[RS]"  # XTREPORTCOLORS, XTTITLEPOS
    rb"|\?2048h" % {b"n": rb"[0-9:;]*"}  # tell the size now, and whenever it changes
)
_COMMANDS = re.compile(
    # Of texts for people, and of addresses, a question mark is just a part.
    rb"(?!(?:[0-37-9]|133|633|777);)[0-9]+(?:[:;].*)?[:;](?:[^:;]*=)?\?.*"
    rb"|6[01](?:;.*)?"  # XTQALLOWED, XTQDISALLOWED
    rb"|1337;(?:Report|RequestUpload|Capabilities).*",  # iTerm2's
    re.DOTALL,
)
# DECRQSS, XTGETTCAP, XTGETXRES, kitty's remote control.
_DEVICE = re.compile(rb"(?:[0-9;]*\$q|\+[qQ]|@kitty-cmd).*", re.DOTALL)
# kitty's graphics.
_PROGRAM = re.compile(rb"G(?:[^;]*,)?a=q(?:[,;].*)?", re.DOTALL)
_DECID = re.compile(rb"Z")
_NEVER = re.compile(rb"(?!)")
_ALWAYS = re.compile(rb"")


@dataclass(frozen=True, slots=True)
class _Kind:
    """
    One kind of sequence.

    @ivar body: what comes after its beginning, as far as that is there.  The first
        group is what it says, the second one what ends it.
    @ivar asks: whether what it says is a question.
    @ivar leaves: after what it does not go on, beside ESC.
    @ivar isString: whether control characters do nothing in it.
    """

    body: re.Pattern[bytes]
    asks: re.Pattern[bytes]
    leaves: re.Pattern[bytes]
    isString: bool = False

    def waits(self, rest: bytes) -> bool:
        """
        Is this the first half of what ends it, or nothing at all?
        """
        return not rest or (self.isString and rest in (b"\x1b", b"\xc2"))


def _short(within: bytes, final: bytes, asks: re.Pattern[bytes]) -> _Kind:
    """
    Sequences that one character of a range ends.
    """
    body = rb"([%s%s]*([%s])?)" % (_WITHIN, within, final)
    leaves = rb"[^%s%s]" % (_WITHIN, within)
    return _Kind(re.compile(body), asks, re.compile(leaves))


_ESCAPE = _short(rb" -/", rb"0-~", _DECID)
_CONTROL = _short(rb" -?", rb"@-~", _CONTROLS)


class _Grammar:
    """
    Where sequences begin, and of what kind they are.

    @ivar begin: the beginning of one, or of what may become one.
    """

    def __init__(self, before: bytes, other: bytes) -> None:
        """
        @param before: what precedes the last byte of a C1 character.
        @param other: what looks like a part of one, and is none.
        """
        self.begin = re.compile(
            rb"\x1b(?:[%s]*([]PX[^_]))?|%s([\x90\x98\x9a\x9b\x9d-\x9f])|\xc2\Z"
            % (_WITHIN, before)
        )

        def string(asks: re.Pattern[bytes], end: bytes = b"") -> _Kind:
            plain = rb"[^\x18\x1a\x1b\x80-\x9f\xc2%s]+" % end
            ends = rb"\x1b\\|%s\x9c" % before + (rb"|" + end if end else b"")
            return _Kind(
                re.compile(rb"((?:%s|%s)*)(%s)?" % (plain, other, ends)),
                asks,
                re.compile(rb"[\x18\x1a%s]" % end),
                isString=True,
            )

        control, command = _CONTROL, string(_COMMANDS, rb"\x07")
        device, program = string(_DEVICE), string(_PROGRAM)
        # By the character after ESC, and by the C1 character that is short for both.
        self._kinds = {
            **{b"[": control, b"]": command, b"P": device, b"_": program},
            **dict.fromkeys((b"X", b"^", b"\x98", b"\x9e"), string(_NEVER)),
            **{b"\x9b": control, b"\x9d": command, b"\x90": device, b"\x9f": program},
            b"\x9a": _Kind(re.compile(rb"()()"), _ALWAYS, _NEVER),
        }

    def kind(self, begin: re.Match[bytes]) -> _Kind:
        """
        The kind of a sequence, by its beginning.
        """
        return self._kinds.get(begin[1] or begin[2], _ESCAPE)


# In UTF-8 C1 characters are two bytes.  In ISO 8859 they are one; but what a zone
# prints may be UTF-8 all the same, and that byte a part of a character.
_UTF8 = _Grammar(rb"\xc2", rb"[\x80-\x9f]|\xc2(?=[^\x80-\x9f])")
_ISO8859 = _Grammar(
    rb"(?:\xc2|(?<![\x80-\xff]))",
    rb"(?<=[\x80-\xff])[\x80-\x9f]|\xc2(?=[^\x80-\x9f])",
)


class QueryFilter:
    """
    Takes the questions out of a stream, however it is split.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        """
        @param encoding: the terminal's character set.
        """
        name = codecs.lookup(encoding).name
        isOne = name == "ascii" or name.startswith("iso8859")
        self._grammar = _ISO8859 if isOne else _UTF8
        self._held = b""
        # The byte before that.
        self._before = b""
        # A sequence that was shown and has not ended.
        self._open: _Kind | None = None

    def feed(self, data: bytes) -> bytes:
        """
        Take bytes as they come.

        @return: those that are to be shown, with what had been held before.
        """
        data = self._before + self._held + data
        if _ENQ in data:
            data = _afterHalf(data).replace(_ENQ, b"")
        at = len(self._before)
        shown = []
        while (begin := self._grammar.begin.search(data, at)) is not None:
            shown.append(self._plain(data[at : begin.start()]))
            at = begin.start()
            end, rest = self._sequence(data, begin, min(at + SEQUENCE_MAX, len(data)))
            if end < 0:
                break
            shown.append(rest)
            at = end
        else:
            shown.append(self._plain(data[at:]))
            at = len(data)
        self._held = data[at:]
        self._before = data[max(0, at - 1) : at]
        return b"".join(shown)

    def end(self) -> bytes:
        """
        There is no more.

        @return: what was held.
        """
        held, self._held, self._before, self._open = self._held, b"", b"", None
        return held

    def _plain(self, text: bytes) -> bytes:
        if self._open is not None and self._open.leaves.search(text):
            self._open = None
        return text

    def _sequence(
        self, data: bytes, begin: re.Match[bytes], stop: int
    ) -> tuple[int, bytes]:
        """
        Look at one sequence.

        @param begin: its beginning.
        @param stop: how far one may look.
        @return: where it ends, and what is to be shown of it; a negative number where
            one has to wait for its end.
        """
        start, kind = begin.start(), self._grammar.kind(begin)
        if begin.end() > stop:
            # So much of it is nothing but an ESC.
            kind = _ESCAPE
        body = next(kind.body.finditer(data, min(begin.end(), stop), stop))
        end = body.end()
        if body[2] is None and stop - end < 2 and kind.waits(data[end:stop]):
            if stop - start < SEQUENCE_MAX:
                return -1, b""
        elif kind.asks.fullmatch(_withoutThem(body[1])):
            # The first half of a C1 character can be broken off as well.
            broken = self._open is not None or data.endswith(b"\xc2", 0, start)
            self._open = None
            kept = _onlyWithin(begin[0] if kind.isString else data[start:end])
            return end, (_CAN if broken else b"") + kept
        self._open = kind if body[2] is None else None
        return end, data[start:end]
