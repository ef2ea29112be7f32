"""
The house rules, asked of the house.
"""

from tools.lint.check import findings
from tools.lint.repository import ROOT, sources


def test_the_house_obeys_itself():
    """
    No file of the repository breaks a house rule, and no exemption is unused or without a reason.
    """
    assert [str(finding) for source in sources(ROOT) for finding in findings(source)] == []
