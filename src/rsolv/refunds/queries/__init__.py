"""
What the refunds room asks of its database.
"""
