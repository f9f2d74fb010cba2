"""
The nexus: the small process that holds pty pairs, so that they outlive the server.

 - What runs in it imports the standard library alone and nothing of the package's
   own C{__init__}: L{holder<zcons_twisted.nexus.holder>} is its program, with
   C{servers}, C{wire}, C{instances}, C{children}, C{notify} and C{pair}.
 - What a server has of it: L{Nexus<zcons_twisted.nexus.client.Nexus>} starts it,
   speaks to it and notices its end, with C{commands} and C{keeping}.
"""
