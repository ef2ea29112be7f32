"""
What the reconciliation room asks of its database.
"""
