"""
The kernel: tiny, pure pieces that every room may use and that know no room.
"""
