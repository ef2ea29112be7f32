"""
The job queue's verbs, a file each.
"""
