"""
RSOLV platform: from a sign-up to a working API key, from a reported fix to a credit consumed exactly once.
"""

from importlib.metadata import version

__version__ = version("rsolv")
