"""
Which files are checked.
"""

from tools.lint.repository import sources


def test_every_text_of_a_copy_without_git_is_checked(tmp_path):
    """
    Hidden folders and files that are no text are left out.
    """
    for name in ("README.md", "src/rsolv/db.py", ".venv/lib/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\xff")

    assert [str(source.path) for source in sources(tmp_path)] == ["README.md", "src/rsolv/db.py"]


def test_only_what_is_below_the_given_paths_is_checked(tmp_path):
    """
    A path may be a folder or a file.
    """
    for name in ("a/one.py", "a/two.py", "b/three.py", "b/four.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")

    assert [str(source.path) for source in sources(tmp_path, ["a", "b/three.py"])] == [
        "a/one.py",
        "a/two.py",
        "b/three.py",
    ]
