"""
The reversals room's verbs.
"""
