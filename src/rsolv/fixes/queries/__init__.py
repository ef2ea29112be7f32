"""
What the fixes room asks of its database.
"""
