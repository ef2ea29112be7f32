"""
A stand-in for Stripe, for tests, demonstrations and load: no part of the product imports it, except local start-up.
"""
