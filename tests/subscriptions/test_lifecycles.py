"""
Lives at random, of many months each: whatever happens, we, Stripe and the model agree, and all books hold.

This is the short form; `make lifecycles LIVES=1000` is the long one, and writes what it came to.
"""

import os

import pytest

from rsolv.local.cluster import Cluster
from subscriptions.life_machine import DISAGREED, Ground, Plant, Tally, live, live_by_script
from subscriptions.planted_lives import BUGS

LIVES = int(os.environ.get("RSOLV_TEST_LIVES", "3"))
STEPS = 14


@pytest.fixture(scope="session")
def ground(cluster: Cluster, templates: dict[str, str]) -> Ground:
    """
    Databases with the catalogue that is sold.
    """
    return Ground(cluster.url, templates["current"])


def test_after_every_step_of_a_life_we_and_stripe_and_the_model_agree(ground: Ground) -> None:
    """
    On the plan, credits, money, fixes, disputes and losses; all invariants hold when the life is over.
    """
    tally = Tally()

    live(ground, tally, lives=LIVES, steps=STEPS)

    assert tally.lives >= LIVES
    assert tally.months > 1


def test_a_life_in_which_most_happens_is_lived_in_agreement(ground: Ground) -> None:
    """
    The one in which bugs are planted below.
    """
    tally = live_by_script(ground)

    assert tally.lives == 1
    assert tally.months > 4


@pytest.mark.parametrize("plant", BUGS.values(), ids=BUGS)
def test_a_planted_bug_is_noticed_in_such_a_life(ground: Ground, plant: Plant) -> None:
    """
    Or agreement would prove nothing.
    """
    with pytest.raises(DISAGREED):
        live_by_script(ground, plant=plant)
