"""
The charges room's verbs.
"""
