"""
Drivers: what makes, finds, holds and removes console devices of one kind.
"""
