"""
The api_keys room's verbs, a file each.
"""
