"""
Doors: the ways in to a zone's console.
"""
