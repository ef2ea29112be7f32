"""
A string that must not be shown by accident.
"""


class Secret:
    """
    Hold a secret whose `repr` and `str` hide it; only `reveal()` gives it away.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """
        Return the secret itself, for the one place that needs it.
        """
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
