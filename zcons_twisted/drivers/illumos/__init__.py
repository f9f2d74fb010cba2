"""
The illumos driver: the console devices of the system's own zones.

The device is the kernel's C{zcons}, a STREAMS device whose two ends are files under
C{/dev/zcons/<zone>}; libdevinfo and libdevice make and remove it, and libzonecfg knows
the zone's state.  None of them is needed to import what is here.
"""
