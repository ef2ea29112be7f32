"""
The facts that can go wrong with phase results.
"""

from rsolv.kernel.errors import NotFound, Refused


class NothingStored(NotFound):
    """
    No phase result is stored for this repository, issue and commit.
    """

    code = "nothing_stored"
    sentence = "No phase data found"


class CustomerUnverified(Refused):
    """
    The customer has not shown that the owner of the repository is theirs, and this installation asks for that.
    """

    code = "forge_not_verified"
    sentence = "The owner {namespace} has not been verified as yours."
