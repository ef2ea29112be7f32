"""
The card setups room's verbs, a file each.
"""
