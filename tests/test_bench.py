"""
The benchmark itself: that it runs, that its table has what it promises, and that it
sees what a server loses.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import HERE

from bench.__main__ import main
from bench.measures import MEASURES
from bench.report import report
from bench.results import Results, Sample
from bench.table import cell, number, table

CHECKOUT = HERE.parent

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None, reason="no C compiler (Debian: build-essential)"
)


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    """
    Run it as a person does.
    """
    return subprocess.run(
        [sys.executable, "-m", "bench", *options],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def left() -> set[str]:
    """
    Whose directories are there, of all that run now.
    """
    return {path.name for path in Path("/tmp").glob("zbench-*")}


def columns(line: str) -> list[str]:
    """
    The cells of a line of the table.
    """
    return [text.strip() for text in line.split("  ") if text.strip()]


class TestRun:
    """
    One short round against the least possible server.
    """

    def test_table(self, tmp_path: Path) -> None:
        """
        There is a column for each peer and a row for each figure, nothing is lost, and
        the file has the same for the documentation.
        """
        file = tmp_path / "results.json"
        before = left()
        done = bench(
            *("--quick", "--seconds", "0.1", "--measures", "bulk,echo,consoles"),
            *("--peers", "relay,zcons,zcons-structured", "--base", "relay"),
            *("--consoles", "2", "--json", str(file)),
        )
        assert done.returncode == 0, done.stderr
        assert left() <= before
        lines = done.stdout.splitlines()
        (head,) = (line for line in lines if line.lstrip().startswith("unit "))
        assert columns(head)[1:] == ["relay", "zcons", "zcons-structured"]
        for name in ("bulk", "echo", "consoles-2"):
            assert name in lines
        for measure in MEASURES:
            if measure.name in ("bulk", "echo"):
                for figure in measure.figures:
                    (row,) = (n for n in lines if n.startswith(f"  {figure.label}  "))
                    cells = columns(row)[-3:]
                    assert cells[0].startswith("="), row
                    assert all(float(text.lstrip("=")) >= 0 for text in cells), row
                    if not figure.ratio:
                        assert cells == ["=0"] * 3, row
        assert any(line.startswith("Cost of structured sessions") for line in lines)
        assert any(line.startswith("Skipped: relay never tells") for line in lines)

        results = Results.read(file)
        measured = {sample.peer for sample in results.samples}
        assert measured == {"relay", "zcons", "zcons-structured"}
        made = subprocess.run(
            [sys.executable, "-m", "bench.report", str(file)],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        assert made.stdout == report(results)
        assert "descriptors" in made.stdout
        for figure in MEASURES[0].figures[:2]:
            assert f"     - {figure.label}, {figure.unit}\n" in made.stdout

    def test_loss(self) -> None:
        """
        A server that loses output is found out.
        """
        script = shlex.join([sys.executable, str(HERE / "lossy_peer.py")])
        done = bench(
            *("--quick", "--seconds", "0.1", "--measures", "bulk"),
            *("--peers", "relay", "--base", "relay"),
            *("--peer", f"lossy={script} {{socket}} {{file}}"),
        )
        assert done.returncode == 0, done.stderr
        lost, wrong = (
            columns(next(n for n in done.stdout.splitlines() if label in n))[-2:]
            for label in ("  lost ", "  receivers with wrong bytes ")
        )
        assert lost[0] == "=0" and float(lost[1].lstrip("=")) > 0
        assert wrong == ["=0", "=1"]

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--measures", "speed"], "--measures speed: there are bulk, "),
            (["--peers", "nobody"], "--peers nobody: there are "),
            (["--peer", "nameless"], "--peer nameless: NAME=COMMAND is needed"),
            (["--peers", "relay", "--base", "zcons"], "--base zcons: it is not among"),
            (["--rounds", "0"], "--rounds 0: more than 0 is needed"),
            (["--consoles", "many"], "--consoles many: numbers are needed"),
        ],
    )
    def test_refused(
        self, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """
        What can't be done is told in one line.
        """
        assert main(options) == 1
        output, errors = capsys.readouterr()
        assert errors.startswith(f"bench: {said}") and errors.count("\n") == 1
        assert output == ""

    def test_brokenPeer(self) -> None:
        """
        A peer that does not start is skipped with its reason, and the rest goes on.
        """
        done = bench(
            *("--quick", "--seconds", "0.1", "--measures", "bulk"),
            *("--peers", "relay", "--base", "relay"),
            *("--peer", "broken=sh -c 'echo out of order; exit 1'"),
        )
        assert done.returncode == 0, done.stderr
        assert "Skipped: broken" in done.stdout and "out of order" in done.stdout


class TestStatistics:
    """
    What is made of the rounds.
    """

    @staticmethod
    def results(**values: list[float]) -> Results:
        """
        Rounds of bulk output; the first peer is the base.
        """
        machine = {
            **dict.fromkeys(("processor", "kernel", "python", "twisted"), "x"),
            **dict.fromkeys(("processors", "memory_mib", "descriptors"), 1),
            "load_before": 0.0,
        }
        made = Results(
            machine,
            next(iter(values)),
            "today",
            {"rounds": 3, "seconds": 1.0},
            {name: f"about {name}" for name in values},
        )
        for name, rates in values.items():
            for turn, rate in enumerate(rates):
                sample = Sample("awake", "bulk", name, turn, {"mib_s": rate})
                made.add(sample)
        return made

    def test_ratios(self) -> None:
        """
        A ratio is the median of the rounds' own, not that of the medians.
        """
        results = self.results(c=[10.0, 20.0, 40.0], z=[20.0, 20.0, 20.0])
        found = results.summary("awake", "bulk", "z", "mib_s")
        assert found is not None
        assert (found.median, found.ratio) == (20.0, 1.0)
        assert (found.low, found.high) == (0.75, 1.5)
        figure = MEASURES[0].figures[0]
        assert cell(results, "awake", "bulk", "z", figure) == "1.00 [0.75-1.50]"
        assert cell(results, "awake", "bulk", "c", figure) == "=20"

    def test_missingRound(self) -> None:
        """
        A round that failed for one of them counts for none.
        """
        results = self.results(c=[10.0], z=[20.0, 50.0])
        found = results.summary("awake", "bulk", "z", "mib_s")
        assert found is not None
        assert (found.median, found.ratio, found.rounds) == (35.0, 2.0, 2)

    def test_nothing(self) -> None:
        """
        What was not measured is shown as such.
        """
        results = self.results(c=[10.0], z=[])
        figure = MEASURES[0].figures[0]
        assert cell(results, "awake", "bulk", "z", figure) == "-"
        assert "bulk" in table(results)

    def test_file(self, tmp_path: Path) -> None:
        """
        What is written is what is read.
        """
        results = self.results(c=[10.0], z=[20.0])
        results.skip("busy", "z", "why not")
        path = tmp_path / "results.json"
        results.write(path)
        assert Results.read(path) == results
        path.write_text("{}")
        with pytest.raises(ValueError, match="has no results"):
            Results.read(path)

    def test_numbers(self) -> None:
        """
        Three digits are enough, and none before the point is dropped.
        """
        said = [number(value) for value in (0, 0.01234, 12.345, 123.4, 23456.7)]
        assert said == ["0", "0.0123", "12.3", "123", "23457"]
