"""
The endpoint strings that come with zcons_twisted.
"""

from zcons_twisted.drivers.serial_parser import SerialParser

serialParser = SerialParser()
