# -*- test-case-name: zcons_twisted.test.test_client_main -*-
"""
C{python -m zcons_twisted.client} is C{zconsole}.
"""

from __future__ import annotations

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
