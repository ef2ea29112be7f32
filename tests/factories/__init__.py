"""
Makers of test data. They call the real verbs, so that no test starts from a state the service cannot reach.
"""
