"""
What the charges room asks of its database.
"""
