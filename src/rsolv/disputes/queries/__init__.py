"""
What the disputes room asks of its database.
"""
