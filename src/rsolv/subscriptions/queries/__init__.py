"""
What the subscriptions room asks of its database, by noun.
"""
