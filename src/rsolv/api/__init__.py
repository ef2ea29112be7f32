"""
The JSON surface: for CI jobs and scripts. Who is calling, parse, one verb, shape the answer.
"""

from rsolv.api.application import build_application
from rsolv.api.parts import Parts

__all__ = ["Parts", "build_application"]
