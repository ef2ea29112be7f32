"""
The files that the checks look at.
"""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from tools.lint.source import Source

ROOT = Path(__file__).resolve().parents[2]


def sources(root: Path, paths: Sequence[str] = ()) -> Iterator[Source]:
    """
    Yield every text file of the repository at *root*, below *paths* if any are given.
    """
    for name in sorted(_names(root, paths)):
        try:
            text = (root / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # no text, or deleted and not yet staged
        yield Source(root, PurePosixPath(name), text)


def _names(root: Path, paths: Sequence[str]) -> set[str]:
    """
    Ask git what it knows or would add; a copy without git is walked, hidden folders left out.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        return set(listed.stdout.split("\0")) - {""}
    except (OSError, subprocess.CalledProcessError):
        below = [root / path for path in paths or ["."]]
        names = (path.relative_to(root) for start in below for path in [start, *start.rglob("*")])
        return {name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)}
