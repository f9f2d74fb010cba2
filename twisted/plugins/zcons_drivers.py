"""
The drivers that come with zcons_twisted.  They are apart from C{zcons_plugin} so that
reading the one does not load the other.
"""

from zcons_twisted.drivers.maker import DriverMaker

ptyDriver = DriverMaker(
    "pty",
    "zcons_twisted.drivers.pty",
    "a pty pair, for a zone that something else runs",
)
ociDriver = DriverMaker(
    "oci",
    "zcons_twisted.oci.driver",
    "a container that an OCI runtime runs as the zone",
)
execDriver = DriverMaker(
    "exec",
    "zcons_twisted.drivers.execute",
    "a pty pair and a command that runs on it as the zone",
)
endpointDriver = DriverMaker(
    "endpoint",
    "zcons_twisted.drivers.endpoint",
    "a connection, to a virtual machine or a serial line for example",
)
zconsDriver = DriverMaker(
    "zcons",
    "zcons_twisted.drivers.illumos.driver",
    "the console device of a zone of illumos",
)
