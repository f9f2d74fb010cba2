"""
What a server that systemd runs says to it and gets from it.
"""
