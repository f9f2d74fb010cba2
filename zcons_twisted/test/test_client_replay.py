# -*- test-case-name: zcons_twisted.test.test_client_replay -*-
"""
Tests for L{zcons_twisted.client.replay}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.happenings import Answer, Gap, Happening, Notice, Welcome
from zcons_twisted.client.replay import RECENT_SECONDS, Replay, replayedText
from zcons_twisted.client.reports import moment

#: When somebody came.
CAME = 1000.0


class FakeSession:
    """
    A session that knows where it is.
    """

    def __init__(self, before: int | None, position: int = 0) -> None:
        self.before = before
        self.position = position
        self.asked: list[Deferred[Answer]] = []
        self.welcome: Welcome | None = None

    def ping(self) -> Deferred[Answer]:
        """
        Keep the question.
        """
        self.asked.append(Deferred())
        return self.asked[-1]


def notice(time: float, offset: int) -> Notice:
    """
    Something happened.
    """
    return Notice("halted", "NOTICE: Zone halted", time, offset, "")


class ReplayTests(SynchronousTestCase):
    """
    The past is told apart from what is now.
    """

    def begin(self, before: int | None, position: int = 0) -> None:
        """
        Somebody comes.
        """
        self.did: list[Any] = []
        session: Any = FakeSession(before, position)
        self.session = session
        self.replay = Replay(
            session,
            CAME,
            lambda data: self.did.append(("past", data)),
            lambda data: self.did.append(("live", data)),
            self.did.append,
        )

    def prints(self, data: bytes) -> None:
        """
        The zone printed something.
        """
        self.session.position += len(data)
        self.replay.output(data)

    def answers(self, ok: bool = True) -> None:
        """
        The server answers what it was asked.
        """
        (asked,) = self.session.asked
        asked.callback(Answer("ping", ok))

    def test_answered(self) -> None:
        """
        It is over when the server has answered what it was asked at the end.
        """
        self.begin(5)
        self.prints(b"abc")
        self.assertEqual(self.session.asked, [])
        self.prints(b"de")
        self.assertEqual(self.did, [("past", b"abc"), ("past", b"de")])
        self.answers()
        self.assertEqual(self.did[2:], [True])
        self.prints(b"new")
        self.assertEqual(self.did[3:], [("live", b"new")])

    def test_somethingNew(self) -> None:
        """
        Or when the zone prints something new, be it in one piece with what is not.
        """
        self.begin(5)
        self.prints(b"abcdefg")
        self.assertEqual(self.did, [("past", b"abcde"), True, ("live", b"fg")])
        self.answers()
        self.assertEqual(len(self.did), 3)

    def test_nothing(self) -> None:
        """
        Where there is nothing of the past, nobody is asked anything.
        """
        for before in (7, None):
            self.begin(before, position=7)
            self.prints(b"new")
            self.assertEqual(self.did, [False, ("live", b"new")])
            self.assertEqual(self.session.asked, [])

    def test_notices(self) -> None:
        """
        Of what happened before, the time is told; at the end it still belongs to the
        past.
        """
        self.begin(5)
        old, last = notice(CAME - 60, 2), notice(CAME - 50, 5)
        self.prints(b"ab")
        told = self.replay.happened(old)
        text = f"{moment(CAME - 60)} NOTICE: Zone halted"
        self.assertEqual(told, Notice("halted", text, CAME - 60, 2, ""))
        self.prints(b"cde")
        self.assertNotEqual(self.replay.happened(last), last)
        self.assertNotIn(True, self.did)
        self.answers()
        self.assertEqual(self.did[-1], True)
        self.assertEqual(self.replay.happened(last), last)

    def test_noticesAlone(self) -> None:
        """
        A zone that has printed nothing may have halted long ago.
        """
        self.begin(0)
        self.assertNotEqual(self.replay.happened(notice(CAME - 60, 0)), notice(0, 0))
        self.answers()
        self.assertEqual(self.did, [True])

    def test_somethingHappens(self) -> None:
        """
        What happens from now on ends the past; what happened while that was shown is
        no part of its end.
        """
        self.begin(5)
        self.prints(b"ab")
        early = notice(CAME + 1, 2)
        self.assertIs(self.replay.happened(early), early)
        self.assertNotIn(True, self.did)
        self.prints(b"cde")
        new = notice(CAME, 5)
        self.assertIs(self.replay.happened(new), new)
        self.assertEqual(self.did[-1], True)

    def test_others(self) -> None:
        """
        What has no time says nothing of that.
        """
        self.begin(5)
        gap: Happening = Gap(0, 2)
        self.assertIs(self.replay.happened(gap), gap)
        self.assertEqual(self.did, [])

    def test_again(self) -> None:
        """
        Another connection has a past of its own; an end of the one before is no answer.
        """
        self.begin(5)
        self.prints(b"abcde")
        self.answers(ok=False)
        self.assertNotIn(True, self.did)
        self.replay.again()
        self.session.before = 8
        self.session.asked.clear()
        self.prints(b"fgh")
        self.answers()
        self.assertEqual(self.did[1:], [("past", b"fgh"), True])

    def test_meanwhile(self) -> None:
        """
        Only what a session began with counts as a past of it: not what was printed
        while its connection was lost.
        """
        for before in (0, 3):
            self.begin(before)
            self.prints(b"abc")
            if before:
                self.answers()
            self.replay.again()
            self.session.before = 6
            self.session.asked.clear()
            self.prints(b"def")
            self.answers()
            self.assertEqual(self.did[-2:], [("past", b"def"), False])
            self.assertIs(self.did[1 if before else 0], bool(before))


class TextTests(SynchronousTestCase):
    """
    What is said where it ends.
    """

    def text(self, printed: float | None, now: float) -> str:
        """
        What is said then.
        """
        session: Any = FakeSession(0)
        session.welcome = Welcome(
            "z", "running", "watch", 0, 0, 0, None, 0, printed=printed
        )
        return replayedText(session, now)

    def test_ago(self) -> None:
        """
        How long ago that was, if it is worth it.
        """
        plain = "End of what was printed before"
        self.assertEqual(RECENT_SECONDS, 10)
        for printed, now, text in (
            (0.0, 3 * 3600 + 5, f"{plain}; the last output was 3 h ago"),
            (0.0, 10.0, f"{plain}; the last output was 10 s ago"),
            (0.0, 9.9, plain),
            # Clocks are set.
            (99.0, 9.9, plain),
            (None, 9e9, plain),
        ):
            self.assertEqual(self.text(printed, now), text)

    def test_legacy(self) -> None:
        """
        A server that tells nothing is believed.
        """
        session: Any = FakeSession(None)
        self.assertEqual(replayedText(session, 9e9), "End of what was printed before")
