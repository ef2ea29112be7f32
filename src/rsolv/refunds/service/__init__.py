"""
The refunds room's verbs.
"""
