"""
The store: units are whole or not at all, in memory and in the file.
"""

from pathlib import Path

import pytest

from stripe_twin.core.store import Store


class Interrupted(Exception):
    """
    What goes wrong in the middle of a unit.
    """


def upset(store: Store) -> None:
    """
    Add, change and move, and then fail.
    """
    with store.unit():
        store.add("lamp", {"id": "lamp_9", "customer": "cus_a", "watts": 9})
        store.edit("lamp", "lamp_1")["watts"] = 100
        store.edit("lamp", "lamp_2")["customer"] = "cus_b"
        raise Interrupted


def fill(store: Store) -> None:
    with store.unit():
        for number in range(3):
            store.add("lamp", {"id": f"lamp_{number}", "customer": "cus_a", "watts": number})


def test_what_a_unit_did_is_undone_when_it_raises() -> None:
    """
    Additions, changes and removals; the order of making stays.
    """
    store = Store()
    fill(store)

    with pytest.raises(Interrupted):
        upset(store)

    assert [(lamp["id"], lamp["watts"]) for lamp in store.all("lamp")] == [("lamp_2", 2), ("lamp_1", 1), ("lamp_0", 0)]
    assert [lamp["id"] for lamp in store.of_customer("lamp", "cus_a")] == ["lamp_2", "lamp_1", "lamp_0"]
    assert store.of_customer("lamp", "cus_b") == []
    assert store.lookup("lamp_9") is None


def test_a_record_follows_its_customer() -> None:
    """
    A method that is detached is no longer listed with who had it.
    """
    store = Store()
    fill(store)

    with store.unit():
        store.edit("lamp", "lamp_0")["customer"] = None
        store.edit("lamp", "lamp_1")["customer"] = "cus_b"

    assert [lamp["id"] for lamp in store.of_customer("lamp", "cus_a")] == ["lamp_2"]
    assert [lamp["id"] for lamp in store.of_customer("lamp", "cus_b")] == ["lamp_1"]


def test_the_file_has_what_was_kept_and_nothing_else(tmp_path: Path) -> None:
    """
    Opened again without having been closed, as after a kill, everything is there in its order.
    """
    file = tmp_path / "state.sqlite3"
    store = Store(file)
    fill(store)
    with store.unit():
        store.edit("lamp", "lamp_0")["watts"] = 60
    with pytest.raises(Interrupted):
        upset(store)
    with store.unit():
        store.remove("lamp", "lamp_2")

    again = Store(file)

    assert again.all("lamp") == store.all("lamp")
    assert [(lamp["id"], lamp["watts"]) for lamp in again.all("lamp")] == [("lamp_1", 1), ("lamp_0", 60)]
    store.close()
    again.close()


def test_nothing_is_changed_outside_a_unit() -> None:
    """
    Such a change could not be undone, nor kept.
    """
    store = Store()
    fill(store)

    with pytest.raises(AssertionError, match="inside a unit"):
        store.edit("lamp", "lamp_0")
