"""
Logs: one JSON object a line, without what must not be in them.
"""

import json
import subprocess
import sys

SAY = """
import structlog
from rsolv.kernel.secret import Secret
from rsolv.logs import set_up_logging

set_up_logging(level={level!r}, as_json={as_json})
log = structlog.get_logger()
log.debug("whispered")
log.info("lamp_lit", lamp_id=7, key=Secret("correct-horse"))
try:
    1 / 0
except ZeroDivisionError:
    log.exception("lamp_broken")
"""


def said(*, level: str, as_json: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SAY.format(level=level, as_json=as_json)], capture_output=True, text=True, check=True
    )


def test_every_line_is_one_json_object_on_standard_error() -> None:
    """
    Also a stack trace is in one line; standard output stays free for answers.
    """
    ended = said(level="info", as_json=True)

    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.stdout == ""
    assert [(line["event"], line["level"]) for line in lines] == [("lamp_lit", "info"), ("lamp_broken", "error")]
    assert lines[0]["timestamp"].endswith("Z")
    assert "ZeroDivisionError" in lines[1]["exception"]


def test_a_secret_in_a_log_line_is_hidden() -> None:
    """
    Whoever logs one by mistake logs stars.
    """
    ended = said(level="info", as_json=True)

    assert json.loads(ended.stderr.splitlines()[0])["key"] == "Secret(***)"
    assert "correct-horse" not in ended.stderr + said(level="info", as_json=False).stderr


def test_the_level_decides_what_is_said() -> None:
    """
    Whoever asks for errors gets nothing else.
    """
    assert "whispered" in said(level="debug", as_json=False).stderr
    assert "lamp_lit" not in said(level="error", as_json=False).stderr
