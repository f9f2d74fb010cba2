"""
C{python -m zcons_twisted.nexus}: become the nexus, for a service manager.

The program proper is run anew, without all that was imported to come here.
"""

from __future__ import annotations

import os
import sys

from .holder import __file__ as program

if __name__ == "__main__":
    os.execv(sys.executable, [sys.executable, "-IS", program, *sys.argv[1:]])
