"""
What the billing events room asks of its database.
"""
