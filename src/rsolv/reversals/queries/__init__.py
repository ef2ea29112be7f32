"""
What the reversals room asks of its database.
"""
