"""
What a finding looks like, and how a line is exempted from a rule.
"""

from pathlib import Path

import pytest

from tools.lint.rules import RULES

SERVICE = "src/rsolv/ledger/service.py"
ALLOW = "lint: " + "allow"


def test_a_finding_names_path_line_and_rule_and_teaches(ask):
    """
    A finding is one line that an editor can jump to; it says what stands there and what to do instead.
    """
    (finding,) = ask(SERVICE, "x = 1\nhalf = 0.5\n")

    assert str(finding).startswith(f"{SERVICE}:2: no-float-money 0.5: Count in whole cents")


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_every_rule_teaches_what_to_do_and_why(rule):
    """
    A rule says more than no: two sentences, the first of them what to do.
    """
    assert rule.lesson.count(".") >= 1
    assert len(rule.lesson.split()) >= 15


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_an_example_that_it_catches(rule):
    """
    No rule is without a line in one of the tables of test_rules_for_*.py.
    """
    tables = [path.read_text() for path in Path(__file__).parent.glob("test_rules_for_*.py")]

    assert any(f'"{rule}",' in table for table in tables)


def test_a_reason_exempts_its_line_from_the_rule(ask):
    """
    The comment silences the rule that it names, on its own line only.
    """
    text = f"half = 0.5  # {ALLOW} no-float-money -- a share of time\nthird = 0.3\n"

    assert [finding.line for finding in ask(SERVICE, text)] == [2]


def test_one_comment_can_exempt_from_two_rules(ask):
    """
    Rules that speak of one line are named in one comment, set apart by commas.
    """
    code = "show(credits=5, share=0.5)"

    assert {finding.rule for finding in ask(SERVICE, code)} == {"no-float-money", "no-price-in-code"}
    assert ask(SERVICE, f"{code}  # {ALLOW} no-float-money, no-price-in-code -- shown to nobody") == []


@pytest.mark.parametrize("reason", ["", " -- ", " -- sorry", " because it is shown to nobody"])
def test_an_exemption_without_a_reason_is_a_finding(broken, reason):
    """
    One word is no reason.
    """
    assert broken(SERVICE, f"half = 0.5  # {ALLOW} no-float-money{reason}\n") == {"exemption-reason"}


@pytest.mark.parametrize("rule", ["no-float-money", "no-such-rule"])
def test_an_exemption_from_nothing_is_a_finding(broken, rule):
    """
    An exemption goes when what it exempted has gone, and cannot name a rule that does not exist.
    """
    assert broken(SERVICE, f"half = 1  # {ALLOW} {rule} -- a share of time\n") == {"unused-exemption"}


def test_an_exemption_inside_a_string_exempts_nothing(broken):
    """
    Only a comment is an exemption.
    """
    assert broken(SERVICE, f"half = 0.5, '# {ALLOW} no-float-money -- a share of time'\n") == {"no-float-money"}


def test_a_text_that_is_no_python_is_exempted_in_its_own_comments(ask):
    """
    In files of other languages the words count in any line.
    """
    text = f"See /{'work'}/main.  <!-- {ALLOW} no-machine-words -- an example of a path -->\n"

    assert ask("docs/guides/start.md", text) == []


def test_a_file_that_does_not_parse_is_a_finding(broken):
    """
    A broken file is reported like everything else, instead of ending the check.
    """
    assert broken(SERVICE, "def (:\n") == {"python"}
