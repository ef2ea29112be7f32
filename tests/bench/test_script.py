"""
Recorded statements become a pgbench script in which values flow as in the product.
"""

from datetime import UTC, datetime

import pytest

from bench.script import NotTranslatable, make_script
from bench.tape import Recording, Statement

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def recording(customer_id, *, result_id, fix_id, note="same", credits_consumed=1):
    """
    Make a recording of three statements: the second takes the first's id, the third the second's, written out.
    """
    return Recording(
        inputs={"customer_id": customer_id},
        statements=[
            Statement("INSERT INTO results VALUES ($1, $2) RETURNING id", (customer_id, None), {"id": result_id}),
            Statement(
                "INSERT INTO fixes VALUES ($1, $2, $3)\nRETURNING id;", (customer_id, result_id, NOON), {"id": fix_id}
            ),
            Statement("SELECT $1::text, $2::bigint, $3::text", (str(fix_id), credits_consumed, note), {"text": "x"}),
        ],
    )


def test_ids_flow_from_the_answers_of_earlier_statements():
    """
    An argument that always equals an earlier answer is taken from there, written as a number or as text.
    """
    script = make_script([recording(7, result_id=70, fix_id=3), recording(8, result_id=71, fix_id=4)])

    assert "INSERT INTO results VALUES (:customer_id, NULL) RETURNING id\n\\gset s0_" in script.text
    assert "INSERT INTO fixes VALUES (:customer_id, :s0_id, :constant1_3)\nRETURNING id\n\\gset s1_" in script.text
    assert "SELECT :s1_id::text, :constant2_2::bigint, :constant2_3::text;" in script.text


def test_what_never_differs_is_a_constant():
    """
    Constants are given as the product gave them.
    """
    script = make_script([recording(7, result_id=70, fix_id=3), recording(8, result_id=71, fix_id=4)])

    assert script.constants == {"constant1_3": NOON.isoformat(), "constant2_2": "1", "constant2_3": "same"}
    assert script.frozen == []


def test_an_id_that_equals_a_constant_by_chance_is_told_apart():
    """
    In one recording the fix had the id 1, like the number of credits; the other recording shows which is which.
    """
    script = make_script([recording(7, result_id=70, fix_id=1), recording(8, result_id=71, fix_id=2)])

    assert "SELECT :s1_id::text, :constant2_2::bigint" in script.text


def test_a_single_recording_would_take_a_constant_for_an_id():
    """
    Planted bug: without a second recording the number of credits is taken from the fix that had the id 1.
    """
    script = make_script([recording(7, result_id=70, fix_id=1)])

    assert "SELECT :s1_id::text, :s1_id::bigint" in script.text


def test_what_differs_for_no_known_reason_is_named():
    """
    The report says which values pgbench repeats while the product varies them.
    """
    script = make_script(
        [recording(7, result_id=70, fix_id=3, note="one"), recording(8, result_id=71, fix_id=4, note="two")]
    )

    assert script.frozen == ["statement 3, $3"]
    assert script.constants["constant2_3"] == "two"


def test_recordings_of_different_statements_are_refused():
    """
    A request that took another path is no repetition.
    """
    longer = recording(7, result_id=70, fix_id=3)
    longer.statements.append(Statement("COMMIT", (), {}))

    with pytest.raises(NotTranslatable, match="differ"):
        make_script([longer, recording(8, result_id=71, fix_id=4)])


def test_what_pgbench_would_take_for_a_variable_is_refused():
    """
    A colon before a name, other than in a cast, would be replaced by nothing we know.
    """
    odd = Recording({}, [Statement("SELECT data[1:upper] FROM t", (), {})])

    with pytest.raises(NotTranslatable, match="variable"):
        make_script([odd])
