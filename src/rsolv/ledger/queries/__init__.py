"""
What the ledger asks of its database.
"""
