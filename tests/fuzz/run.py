"""
Run one target with atheris: C{run.py NAME [OPTION]...}, with libFuzzer's own options.
What makes the target cover more goes to its corpus, what fails to F{.build/fuzz/}.
"""

from __future__ import annotations

import importlib
import os
import shlex
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent


def main(name: str, *options: str) -> None:
    """
    Fuzz until told otherwise.
    """
    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["zcons_twisted"]):
        target = importlib.import_module(f"fuzz_{name}")
    corpus = HERE / "corpus" / name
    failed = HERE.parent.parent / ".build" / "fuzz" / name
    for directory in (corpus, failed):
        os.makedirs(directory, exist_ok=True)
    given = [option for option in options if option.startswith("-")]
    places = [option for option in options if not option.startswith("-")]
    where = f"-artifact_prefix={failed}/"
    # By this a merge runs itself again, in a shell.
    again = shlex.join([sys.executable, __file__, name])
    arguments = [again, where, *given, *(places or [str(corpus)])]
    atheris.Setup(arguments, target.consume)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
