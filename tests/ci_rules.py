"""
With C{CI=true} a skipped integration test is a failure: a machine that is meant to run
them all must not pass by running fewer.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

_STRICT = os.environ.get("CI", "").lower() == "true"
_notCollected = pytest.StashKey[list[str]]()


def _reason(longrepr: object) -> str:
    """
    Why something was skipped, from what pytest keeps of it.
    """
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


def pytest_configure(config: pytest.Config) -> None:
    """
    Nothing has been skipped yet.
    """
    config.stash[_notCollected] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """
    Turn a skipped test into a failed one; an expected failure stays what it is.
    """
    report = yield
    if _STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, with CI=true: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """
    Remember a module that is skipped as a whole.  It can't be turned into a failure
    here, since that would keep the others from running.
    """
    report = yield
    if _STRICT and report.skipped:
        what = f"{report.nodeid}: {_reason(report.longrepr)}"
        collector.config.stash[_notCollected].append(what)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """
    A skipped module fails the session.
    """
    if session.config.stash[_notCollected] and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """
    Name the skipped modules.
    """
    for what in config.stash[_notCollected]:
        terminalreporter.write_line(f"FAILED {what} (skipped, with CI=true)", red=True)
