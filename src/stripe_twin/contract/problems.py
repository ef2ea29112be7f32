"""
What the contract finds wrong.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One departure from the contract: where, as in `charges.data[0].amount`, and what.
    """

    path: str
    what: str

    def within(self, place: str) -> "Problem":
        """
        See the same problem from one level further out.
        """
        if not self.path:
            return Problem(place, self.what)
        return Problem(f"{place}{self.path}" if self.path.startswith("[") else f"{place}.{self.path}", self.what)

    def __str__(self) -> str:
        return f"{self.path or 'the object'}: {self.what}"
