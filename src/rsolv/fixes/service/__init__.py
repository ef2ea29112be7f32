"""
The fixes room's verbs, a file each.
"""
