"""
What fuzzing has found interesting is tried again, without a fuzzer.

C{make fuzz} looks for more.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in FUZZ.glob("fuzz_*.py"))

Consume = Callable[[bytes], None]


@pytest.fixture
def consume(name: str, monkeypatch: pytest.MonkeyPatch) -> Consume:
    """
    What a target does with an input.
    """
    monkeypatch.setattr(sys, "path", [str(FUZZ), *sys.path])
    found: Consume = importlib.import_module(f"fuzz_{name}").consume
    return found


def test_corpora() -> None:
    """
    Every corpus has its target, and every target a corpus.
    """
    assert sorted(path.name for path in (FUZZ / "corpus").iterdir()) == TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name: str, consume: Consume) -> None:
    """
    No input breaks a promise, not even one that once did.
    """
    inputs = sorted((FUZZ / "corpus" / name).iterdir())
    assert len(inputs) >= 4
    for path in inputs:
        data = path.read_bytes()
        assert len(data) <= 4096, path
        try:
            consume(data)
        except Exception as e:
            e.add_note(f"with {path}")
            raise


@pytest.mark.parametrize("name", TARGETS)
def test_cutShort(name: str, consume: Consume) -> None:
    """
    Nor does one that is cut short, or that goes on with something else.
    """
    inputs = sorted((FUZZ / "corpus" / name).iterdir())[:40]
    for path, other in zip(inputs, reversed(inputs), strict=True):
        data = path.read_bytes()
        consume(data[: len(data) // 2])
        consume(data + other.read_bytes())
