# -*- test-case-name: zcons_twisted.test.test_illumos_libraries -*-
"""
Loading a system's libraries, and telling the types of what is in them.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = [
    "LIBC",
    "Functions",
    "Loader",
    "Signature",
    "SystemLoader",
    "failure",
]

#: Whatever the process has loaded already; the C library is part of it.
LIBC = ""

#: What a function returns, and what it takes.
Signature = tuple[Any, Sequence[Any]]


class Loader(Protocol):
    """
    Who knows where libraries are.
    """

    def load(self, name: str) -> Any:
        """
        A library, with its functions for attributes.

        @param name: its file's name as programs are linked against it, or L{LIBC}.
        @raise OSError: it is not there.
        """


class SystemLoader:
    """
    The system's libraries.
    """

    def load(self, name: str) -> Any:
        """
        See L{Loader}.
        """
        return ctypes.CDLL(name or None, use_errno=True)


class Functions:
    """
    Some functions of one library, with their types.
    """

    def __init__(
        self, loader: Loader, name: str, signatures: Mapping[str, Signature]
    ) -> None:
        """
        @param signatures: what each function returns and takes, by its name.
        @raise OSError: the library is not there, or has not got one of them.
        """
        library = loader.load(name)
        self._functions: dict[str, Any] = {}
        for symbol, (result, arguments) in signatures.items():
            try:
                function = getattr(library, symbol)
            except AttributeError:
                raise OSError(f"{name or 'libc'} has no {symbol}") from None
            function.restype = result
            function.argtypes = list(arguments)
            self._functions[symbol] = function

    def __getattr__(self, symbol: str) -> Any:
        """
        A function by its name.
        """
        try:
            return self._functions[symbol]
        except KeyError:
            raise AttributeError(symbol) from None


def failure(what: str) -> OSError:
    """
    The error that the last call of a library's function has left.

    @param what: what could not be done.
    """
    number = ctypes.get_errno()
    why = os.strerror(number) if number else "no reason was given"
    return OSError(number, f"{what}: {why}")
