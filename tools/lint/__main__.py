"""
`python -m tools.lint [paths]`: exit with 1 and say where, when a house rule is broken.
"""

import sys
from collections.abc import Sequence

from tools.lint.check import findings
from tools.lint.repository import ROOT, sources
from tools.lint.rules import RULES


def main(paths: Sequence[str]) -> int:
    """
    Check the files of the repository, or those at or below the paths given.
    """
    checked = list(sources(ROOT, paths))
    found = [finding for source in checked for finding in findings(source)]
    for finding in found:
        print(finding)
    if found:
        print(f"house: {len(found)} findings; where a rule is wrong for once: lint: allow <rule> -- <reason>")
    else:
        print(f"house: {len(RULES)} rules kept in {len(checked)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
