"""
The reconciliation room's verbs.
"""
