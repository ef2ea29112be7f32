"""
What works on the code itself; nothing of the product imports it.
"""
