"""
The payment methods room's verbs, a file each.
"""
