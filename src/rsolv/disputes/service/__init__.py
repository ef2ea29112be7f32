"""
The disputes room's verbs.
"""
