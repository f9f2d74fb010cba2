# -*- test-case-name: zcons_twisted.test -*-
"""
Generated examples, by hypothesis.

Hypothesis comes with the C{test} extra.  Where it is not installed the tests that need
it are skipped, with a word of why, and all others run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["given", "quickly", "st"]

Test = Callable[..., None]

given: Callable[..., Callable[[Test], Test]]
quickly: Callable[[Test], Test]
st: Any


class _Anything:
    """
    Stands for every strategy there could be, without hypothesis.
    """

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __call__(self, *args: object, **kwargs: object) -> _Anything:
        return self

    def __or__(self, other: object) -> _Anything:
        return self


def _skipped(*args: object, **kwargs: object) -> Callable[[Any], Any]:
    def skip(test: Any) -> Any:
        test.skip = "hypothesis is not installed; the test extra brings it"
        return test

    return skip


try:
    import hypothesis
    import hypothesis.strategies
except ImportError:
    given, st = _skipped, _Anything()

    def quickly(test: Test) -> Test:
        """
        How generated examples would be run.
        """
        return test
else:
    given, st = hypothesis.given, hypothesis.strategies
    #: Not so many, and the same on every machine.
    quickly = hypothesis.settings(
        max_examples=150,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=[hypothesis.HealthCheck.differing_executors],
    )
