"""
The C{zconsole} command of twistd.  This file is read on every run of twistd, so it
imports nothing else.
"""

from twisted.application.service import ServiceMaker

zconsole = ServiceMaker(
    "zone console",
    "zcons_twisted.tap",
    "A console that is always there, for zones and whatever else has one.",
    "zconsole",
)
