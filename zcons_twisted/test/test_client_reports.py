# -*- test-case-name: zcons_twisted.test.test_client_reports -*-
"""
Tests for L{zcons_twisted.client.reports}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from zcons_twisted.client.reports import (
    ENDED_SHOWN,
    age,
    listing,
    moment,
    operatorBrief,
    stateBrief,
    statusReport,
    summary,
    unserved,
    whoReport,
)


def someone(**more: Any) -> dict[str, Any]:
    """
    An operator.
    """
    return {
        "pid": 12,
        "uid": 1000,
        "user": "ann\x1b",
        "since": 0.0,
        "locale": "C",
        "toldPid": 12,
        "halfClosed": False,
        "stalled": False,
        **more,
    }


def status(**more: Any) -> dict[str, Any]:
    """
    A zone's status.
    """
    return {
        "zone": "z",
        "state": "running",
        "driver": "exec",
        "device": "/run/x/zcons/z/zoneconsole",
        "deviceState": "open",
        "onHalt": "stay",
        "serverPid": 7,
        "since": 0.0,
        "operator": [],
        "watchers": [],
        "oldest": 4,
        "end": 36,
        "birth": "0123456789abcdef",
        "boot": 2,
        "bootEnd": 36,
        "ended": [],
        "counters": [{"name": "output", "value": 32}],
        **more,
    }


class StatusReportTests(SynchronousTestCase):
    """
    All about a zone.
    """

    def test_everyFact(self) -> None:
        """
        Each fact has its line.
        """
        lines = statusReport(status()).splitlines()
        self.assertEqual(
            [line.split() for line in lines],
            [
                ["zone:", "z"],
                ["state:", "running"],
                ["driver:", "exec"],
                ["device:", "/run/x/zcons/z/zoneconsole", "(open)"],
                ["on", "halt:", "stay"],
                ["server:", "process", "7", "since", *moment(0.0).split()],
                ["operator:", "none"],
                ["history:", "offsets", "4", "to", "36"],
                ["birth:", "0123456789abcdef"],
                ["last", "boot:", "offset", "2,", "kept", "to", "36"],
                ["bytes", "printed:", "32"],
            ],
        )

    def test_history(self) -> None:
        """
        What is wrong with the history is told where its offsets are.
        """
        report = statusReport(status(historyProblem="does not grow: \x1b"))
        self.assertIn("offsets 4 to 36 (does not grow: \\x1b)\n", report)

    def test_device(self) -> None:
        """
        An open device of a zone that is down is there, and that is all.
        """
        path = "/run/x/zcons/z/zoneconsole"
        why = "boot failed: x"
        for more, told in (
            ({"state": "installed", "life": why}, "open, nothing runs on it"),
            ({"state": "down", "life": why}, "open, nothing runs on it"),
            ({"state": "installed", "life": None}, "open"),
            ({"state": "installed", "life": why, "deviceState": "no"}, "no"),
            ({"state": "running", "life": "process 7"}, "open"),
        ):
            self.assertIn(f"{path} ({told})\n", statusReport(status(**more)))

    def test_operator(self) -> None:
        """
        The operator is named, with what is unusual about it.
        """
        plain = statusReport(status(operator=[someone()]))
        self.assertIn(f"process 12 of ann\\x1b (user 1000) since {moment(0)}", plain)
        self.assertIn("; locale C\n", plain)
        odd = someone(locale="", toldPid=99, halfClosed=True, stalled=True)
        self.assertIn(
            "; says it is process 99, sends no more, stalled\n",
            statusReport(status(operator=[odd])),
        )
        silent = someone(locale="", toldPid=None)
        self.assertIn(f"{moment(0)}\n", statusReport(status(operator=[silent])))

    def test_ended(self) -> None:
        """
        Sessions that ended are told with their reason.
        """
        over = {"pid": 5, "uid": 2**32 - 2, "at": 0.0, "reason": "left", "text": "so"}
        who = "process 5 of user 4294967294"
        self.assertIn(f"{moment(0)} {who}: so\n", statusReport(status(ended=[over])))
        for role, told in (("operator", "operator"), ("watch", "watcher")):
            ended = [{**over, "role": role}]
            self.assertIn(
                f"{moment(0)} {told}, {who}:", statusReport(status(ended=ended))
            )

    def test_manyEnded(self) -> None:
        """
        Only those that ended last are told one by one.
        """
        ended = [
            {"pid": n, "uid": 0, "at": 0.0, "reason": "left", "text": "so"}
            for n in range(ENDED_SHOWN + 2)
        ]
        report = statusReport(status(ended=ended))
        self.assertEqual(report.count(": so\n"), 5)
        self.assertNotIn("process 1 of", report)
        self.assertIn("\n               and 2 before\n", report)

    def test_hostileTexts(self) -> None:
        """
        Nothing that was told from outside gets a control character through.
        """
        hostile = "a\x1b[2Jb\nc"
        report = statusReport(
            status(
                **dict.fromkeys(
                    ("zone", "state", "driver", "device", "deviceState", "onHalt"),
                    hostile,
                ),
                operator=[someone(user=hostile, locale=hostile)],
                watchers=[someone(user=hostile, locale=hostile)],
                ended=[
                    {"pid": 5, "uid": 0, "at": 0.0, "reason": hostile, "text": hostile}
                ],
                counters=[{"name": hostile, "value": 1}],
            )
        )
        self.assertNotIn("\x1b", report)
        self.assertEqual(report.count("\n"), 13)


class ListingTests(SynchronousTestCase):
    """
    A line a zone.
    """

    def test_columns(self) -> None:
        """
        The columns are as wide as they must be, under a heading.
        """
        ann = status(operator=[someone()], watchers=[someone()], printedAt=1000.0)
        rows = [
            summary(ann, 1059.0),
            summary(status(zone="long", state="installed"), 0.0),
            unserved("gone", "no server"),
            unserved("o", "no \x1b"),
            unserved("on", "no server", 12),
            summary(status(state="down", life="process 7 ended: killed"), 0),
        ]
        self.assertEqual(
            listing(rows),
            "ZONE  STATE                            DRIVER  OPERATOR            "
            "  WATCHERS  OUTPUT\n"
            "z     running                          exec    ann\\x1b (process 12)"
            "  1         59 s ago\n"
            "long  installed                        exec    -                   "
            "  0         -\n"
            "gone  no server                        -       -                   "
            "  -         -\n"
            "o     unknown                          -       -                   "
            "  -         no \\x1b\n"
            "on    no server (runs on: process 12)  -       -                   "
            "  -         -\n"
            "z     down (killed)                    exec    -                   "
            "  0         -\n",
        )

    def test_states(self) -> None:
        """
        A zone that is down is told with what became of it; one that runs is not.
        """
        for state, life, told in (
            ("running", "process 7", "running"),
            ("installed", None, "installed"),
            ("installed", "not booted yet", "installed (not booted yet)"),
            (
                "installed",
                "process 7 ended: exit status 4",
                "installed (exit status 4)",
            ),
            ("installed", "ended: guest-shutdown", "installed (guest-shutdown)"),
            ("down", "boot failed: no /x\x1b", "down (boot failed: no /x\\x1b)"),
        ):
            self.assertEqual(stateBrief(state, life), told)

    def test_devices(self) -> None:
        """
        Of one of which nothing but its device is known, it is told how that is.
        """
        why = "can't connect: Connection refused; trying again"
        for state, life, device, told in (
            ("installed", None, why, f"installed ({why})"),
            ("installed", None, "open", "installed"),
            ("installed", "ended: x", why, "installed (x)"),
            ("running", None, why, "running"),
        ):
            self.assertEqual(stateBrief(state, life, device), told)

    def test_forPrograms(self) -> None:
        """
        Programs are told the same of a zone, and always all of it.
        """
        row = summary(status(operator=[someone()], printedAt=5.0), 3.0)
        self.assertEqual(
            row,
            {
                "zone": "z",
                "state": "running",
                "life": None,
                "device": "open",
                "driver": "exec",
                "operator": {"pid": 12, "uid": 1000, "user": "ann\x1b", "since": 0.0},
                "watchers": 0,
                "age": 0.0,
                "server": 7,
                "error": None,
            },
        )
        self.assertEqual(unserved("y", "no").keys(), row.keys())

    def test_age(self) -> None:
        """
        An age is one number.
        """
        found = [age(n) for n in (0, 59.9, 60, 3599, 3600, 86399, 86400, 1e7)]
        told = ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "1 d", "115 d"]
        self.assertEqual(found, told)

    def test_operatorBrief(self) -> None:
        """
        An operator is a name and a process.
        """
        self.assertEqual(operatorBrief([]), "-")
        self.assertEqual(operatorBrief([someone()]), "ann\\x1b (process 12)")

    def test_who(self) -> None:
        """
        Everybody who is attached has a line, the operator first.
        """
        watcher = someone(pid=7, user="bo")
        report = whoReport(status(operator=[someone()], watchers=[watcher]))
        self.assertEqual(
            [line.split() for line in report.splitlines()],
            [
                ["ROLE", "PID", "USER", "SINCE"],
                ["operator", "12", "ann\\x1b", *moment(0).split()],
                ["watcher", "7", "bo", *moment(0).split()],
            ],
        )
        self.assertEqual(whoReport(status()), "ROLE  PID  USER  SINCE\n")
