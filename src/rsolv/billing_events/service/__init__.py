"""
The billing events room's verbs, a file each.
"""
