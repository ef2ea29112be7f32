"""
The subscriptions room's verbs.
"""
