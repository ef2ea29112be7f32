"""
What the payment methods room asks of its database, by noun.
"""
