"""
Unit tests: no sleeping, no real reactor.  Run by C{trial zcons_twisted}.
"""
