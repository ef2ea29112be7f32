"""
The telemetry room's verbs, a file each.
"""
