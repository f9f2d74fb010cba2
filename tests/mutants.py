"""
What the unit tests say of a package in which one limit is another.

One JSON list a line comes in: a module, the name of a limit in it, a factor, and the
test modules that hold it.  One JSON object a line goes out: whether the tests passed.
Each runs in a process of its own, two at a time.

Only where a limit is looked at is it changed, not where it is set.  So a test that is
written with its name finds that it does not hold, as one that is written with its
number does.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import os
import signal
import sys
import tempfile
import types
import unittest
from collections.abc import Sequence

# These take most of the time of a process that begins.
import txaio.aio
import txaio.tx  # noqa: F401

PACKAGE = "zcons_twisted"
AT_ONCE = 2
#: Seconds for a process: some mutants go around in circles for ever.
DEADLINE = 60


class Change(ast.NodeTransformer):
    """
    Multiplies a limit wherever it is looked at, but not in texts.
    """

    def __init__(self, name: str, factor: float) -> None:
        self._name = name
        self._factor = factor

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """
        A text says what it says.
        """
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """
        The limit as a name of its own.
        """
        if node.id != self._name or not isinstance(node.ctx, ast.Load):
            return node
        # A whole number stays one.
        source = f"type({node.id})({node.id} * {self._factor})"
        return ast.copy_location(ast.parse(source, mode="eval").body, node)


class Mutator(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """
    Loads the package's modules with a limit changed in those that have it.
    """

    def __init__(self, module: str, name: str, factor: float) -> None:
        self._module = module
        self._name = name
        self._change = Change(name, factor)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """
        Ours are those of the package that are no tests.
        """
        ours = name.startswith(f"{PACKAGE}.") and not name.startswith(
            (f"{PACKAGE}.test.", f"{PACKAGE}.testing")
        )
        if not ours:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.origin is None or spec.submodule_search_locations:
            return spec
        loader = Loader(name, spec.origin, self._mutated)
        return importlib.util.spec_from_file_location(name, spec.origin, loader=loader)

    def _mutated(self, name: str, source: bytes) -> ast.Module:
        tree = ast.parse(source)
        if name == f"{PACKAGE}.{self._module}" or self._imports(tree):
            tree = ast.fix_missing_locations(self._change.visit(tree))
        return tree

    def _imports(self, tree: ast.Module) -> bool:
        last = self._module.rpartition(".")[2]
        return any(
            isinstance(node, ast.ImportFrom)
            and (node.module or "").rpartition(".")[2] == last
            and any(alias.name == self._name for alias in node.names)
            for node in tree.body
        )


class Loader(importlib.machinery.SourceFileLoader):
    """
    Loads one module, never from what was compiled before.
    """

    def __init__(self, name: str, path: str, mutated: object) -> None:
        super().__init__(name, path)
        self._mutated = mutated

    def get_code(self, fullname: str) -> types.CodeType:
        """
        Its code.
        """
        tree = self._mutated(fullname, self.get_data(self.path))
        return compile(tree, self.path, "exec", dont_inherit=True)


def passes(module: str, name: str, factor: float, tests: list[str]) -> bool:
    """
    Do the tests pass?  Called in a process of its own.
    """
    if factor != 1:
        sys.meta_path.insert(0, Mutator(module, name, factor))
    result = unittest.TestResult()
    result.failfast = True
    loader = unittest.TestLoader()
    # The one for all limits is quick, and often the one that fails.
    for test in sorted(tests, key="test_limits".__ne__):
        loader.loadTestsFromName(f"{PACKAGE}.test.{test}").run(result)
        if not result.wasSuccessful():
            return False
    assert result.testsRun
    return True


def start(job: list[object]) -> tuple[int, int]:
    """
    Look at one mutant.

    @return: the process, and where it writes what it found.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    signal.alarm(DEADLINE)
    sys.stdout = sys.stderr = io.StringIO()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    found = b"failed"
    try:
        if passes(*job):
            found = b"passed"
    finally:
        os.write(writer, found)
        os._exit(0)


def main() -> None:
    """
    Look at all that come in.
    """
    with tempfile.TemporaryDirectory() as directory:
        # The tests leave things where they are run.
        os.chdir(directory)
        work([json.loads(line) for line in sys.stdin])


def work(jobs: list[list[object]]) -> None:
    """
    Look at all of these.
    """
    waiting = list(jobs)
    running: dict[int, tuple[list[object], int]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            job = waiting.pop(0)
            pid, reader = start(job)
            running[pid] = (job, reader)
        pid, _ = os.wait()
        job, reader = running.pop(pid)
        with os.fdopen(reader, "rb") as pipe:
            passed = pipe.read() == b"passed"
        print(json.dumps({"job": job, "passed": passed}), flush=True)


if __name__ == "__main__":
    main()
