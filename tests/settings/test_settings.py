"""
Settings: read once, checked whole, and never shown.
"""

import dataclasses
import re
from pathlib import Path

import pytest

from rsolv.kernel.secret import Secret
from rsolv.settings import Settings, SettingsInvalid, load_settings

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"
MASTER_KEY = "0123456789abcdef" * 4
DATABASE_URL = "postgresql://ada:hunter2@db.test/rsolv"
LIVE_KEY, TEST_KEY = (f"sk_{mode}_correcthorsebattery" for mode in ("live", "test"))
SOUND = {
    "RSOLV_ENV": "production",
    "DATABASE_URL": DATABASE_URL,
    "SECRET_KEY_BASE": MASTER_KEY,
    "STRIPE_API_KEY": LIVE_KEY,
    "PUBLIC_URL": "https://billing.test",
}

EVERYTHING_WRONG = {
    "RSOLV_ENV": "staging-blue",
    "PORT": "eighty",
    "PUBLIC_URL": "https://billing.test/?next=here",
    "DATABASE_URL": "mysql://ada:hunter2@db.test/rsolv",
    "SECRET_KEY_BASE": "correct-horse-battery-staple",
    "STRIPE_API_KEY": "pk_correcthorsebattery",
    "STRIPE_API_BASE": "ftp://stand-in.test",
    "STRIPE_CALLS_PER_SECOND": "fast",
    "STRIPE_CALLS_PER_SECOND_PER_ENDPOINT": "22.5",
    "STRIPE_WEBHOOK_SECRETS": "whsec_correcthorse,battery",
    "METRICS_TOKEN": "correct horse battery staple",
    "WEB_WORKERS": "1001",
    "WORKERS": "-3",
    "JOBS_AT_ONCE": "501",
    "DATABASE_POOL_SIZE": "12345",
    "MAX_BODY_BYTES": "-5",
    "API_KEY_CACHE_TTL_SECONDS": "301",
    "API_KEY_CACHE_SIZE": "12.5",
    "CHARGES_PER_HOUR_MAX_CENTS": "$50",
    "CHARGES_PER_DAY_MAX_CENTS": "-1",
    "STRICT_REPOSITORY_OWNERSHIP": "perhaps",
    "EMAIL_DOMAINS_ALLOWED": "good.test,not a domain",
    "EMAIL_DOMAINS_BLOCKED": "@bad.test",
    "TRUSTED_PROXIES": "10.0.0.1, *",
    "LOG_LEVEL": "loud",
}

BOUNDS = [
    ("PORT", 0, 65_535, 4000),
    ("STRIPE_CALLS_PER_SECOND", 4, 10_000, 90),
    ("STRIPE_CALLS_PER_SECOND_PER_ENDPOINT", 1, 10_000, 21),
    ("WEB_WORKERS", 1, 64, 2),
    ("WORKERS", 1, 64, 1),
    ("JOBS_AT_ONCE", 2, 500, 32),
    ("DATABASE_POOL_SIZE", 2, 100, 8),
    ("MAX_BODY_BYTES", 1_024, 67_108_864, 1_048_576),
    ("API_KEY_CACHE_TTL_SECONDS", 0, 300, 60),
    ("API_KEY_CACHE_SIZE", 0, 1_000_000, 10_000),
    ("CHARGES_PER_HOUR_MAX_CENTS", 0, 100_000_000, 500_000),
    ("CHARGES_PER_DAY_MAX_CENTS", 0, 100_000_000, 2_000_000),
]


def test_an_empty_environment_is_a_development_machine() -> None:
    """
    Everything has a default but the secrets, which nobody gets without asking.
    """
    found = load_settings({})

    assert found == Settings(
        environment="development",
        home=Path(".rsolv"),
        host="127.0.0.1",
        port=4000,
        public_url="http://127.0.0.1:4000",
        database_url=None,
        secret_key_base=None,
        stripe_api_key=None,
        stripe_api_base=None,
        stripe_calls_per_second=90,
        stripe_calls_per_second_per_endpoint=21,
        stripe_webhook_secrets=(),
        metrics_token=None,
        web_workers=2,
        workers=1,
        jobs_at_once=32,
        database_pool_size=8,
        max_body_bytes=1_048_576,
        api_key_cache_ttl_seconds=60,
        api_key_cache_size=10_000,
        billing_enabled=True,
        charges_per_hour_max_cents=500_000,
        charges_per_day_max_cents=2_000_000,
        card_setups_per_hour_max=10,
        card_setups_per_day_max=30,
        card_attaches_per_hour_max=5,
        trusted_proxies=(),
        strict_repository_ownership=False,
        email_domains_allowed=frozenset(),
        email_domains_blocked=frozenset(),
        log_level="info",
    )
    assert not found.is_production


def test_every_problem_is_told_at_once_by_name_and_without_a_value() -> None:
    """
    One start shows all that is wrong; no value, not even a part of one, is in the message.
    """
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(EVERYTHING_WRONG)

    told = [problem.split(" ")[0] for problem in caught.value.problems]
    assert sorted(told) == sorted(EVERYTHING_WRONG)
    assert [value for value in EVERYTHING_WRONG.values() if value in str(caught.value)] == []
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(EVERYTHING_WRONG))
def test_each_problem_alone_is_told_alone(name: str) -> None:
    """
    A setting that is wrong blames itself and no other, also in production.
    """
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(SOUND | {name: EVERYTHING_WRONG[name]})

    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(f"{name} ")
    assert EVERYTHING_WRONG[name] not in str(caught.value)


@pytest.mark.parametrize(("name", "smallest", "largest", "default"), BOUNDS, ids=[bound[0] for bound in BOUNDS])
def test_a_number_is_taken_within_its_bounds(name: str, smallest: int, largest: int, default: int) -> None:
    """
    Both ends are inside; empty means the default.
    """
    given = {str(value): getattr(load_settings({name: str(value)}), name.lower()) for value in (smallest, largest)}

    assert given == {str(smallest): smallest, str(largest): largest}
    assert getattr(load_settings({name: ""}), name.lower()) == default


@pytest.mark.parametrize("wrong", ["below", "above", "1e3", "0x10", "1_000", " 5", "\u0665", "9" * 40])
@pytest.mark.parametrize(("name", "smallest", "largest"), [bound[:3] for bound in BOUNDS])
def test_a_number_outside_its_bounds_is_refused_with_them(name: str, smallest: int, largest: int, wrong: str) -> None:
    """
    The sentence names the bounds, so that nobody has to look them up.
    """
    value = {"below": str(smallest - 1), "above": str(largest + 1)}.get(wrong, wrong)

    with pytest.raises(SettingsInvalid) as caught:
        load_settings({name: value})

    assert caught.value.problems == [f"{name} must be a whole number from {smallest} to {largest}"]


@pytest.mark.parametrize(
    "placeholder",
    [
        "changeme",
        "change-me",
        "CHANGE_ME",
        "placeholder",
        "secret",
        "Password",
        "example",
        "xxx",
        "xxxxxxxx",
        "0000",
        "<your-secret>",
        " changeme ",
    ],
)
@pytest.mark.parametrize("name", ["SECRET_KEY_BASE", "DATABASE_URL"])
def test_a_placeholder_is_refused_as_one(name: str, placeholder: str) -> None:
    """
    What was meant to be replaced is no secret, in any environment.
    """
    with pytest.raises(SettingsInvalid) as caught:
        load_settings({name: placeholder})

    assert caught.value.problems == [f"{name} is a placeholder, not a value"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param("ab" * 32, "is a placeholder, not a value", id="two characters repeated"),
        pytest.param("0" * 64, "is a placeholder, not a value", id="zeros"),
        pytest.param(MASTER_KEY[:-1], "must be exactly 64 hexadecimal characters", id="one short"),
        pytest.param(MASTER_KEY + "0", "must be exactly 64 hexadecimal characters", id="one long"),
        pytest.param(MASTER_KEY[:-1] + "g", "must be exactly 64 hexadecimal characters", id="not hexadecimal"),
        pytest.param(MASTER_KEY + "\n", "must be exactly 64 hexadecimal characters", id="a line break at the end"),
        pytest.param("", "is set but empty", id="empty"),
        pytest.param("   ", "is set but empty", id="blank"),
    ],
)
def test_a_master_key_that_is_too_weak_is_refused(value: str, problem: str) -> None:
    """
    It has 256 bits that look random, or we do not start.
    """
    with pytest.raises(SettingsInvalid) as caught:
        load_settings({"SECRET_KEY_BASE": value})

    assert caught.value.problems == [f"SECRET_KEY_BASE {problem}"]


@pytest.mark.parametrize("url", ["postgresql://db.test/rsolv", "postgres://db.test/rsolv"])
@pytest.mark.parametrize("environment", ["development", "test", "production"])
def test_both_forms_of_a_database_url_are_taken(environment: str, url: str) -> None:
    """
    Providers print either.
    """
    key = LIVE_KEY if environment == "production" else TEST_KEY
    found = load_settings(SOUND | {"RSOLV_ENV": environment, "DATABASE_URL": url, "STRIPE_API_KEY": key})

    assert found.database_url == Secret(url)


@pytest.mark.parametrize("missing", ["DATABASE_URL", "SECRET_KEY_BASE", "STRIPE_API_KEY"])
def test_production_demands_its_secrets(missing: str) -> None:
    """
    The stand-ins that development is given would lose or leak what customers trust us with.
    """
    environ = {name: value for name, value in SOUND.items() if name != missing}

    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ)

    assert caught.value.problems == [f"{missing} is required in production: stand-ins are for development only"]


def test_production_with_its_secrets_is_right() -> None:
    """
    Nothing else has to be said.
    """
    assert load_settings(SOUND).is_production


@pytest.mark.parametrize(
    ("environment", "kind"),
    [("development", "live"), ("test", "live"), ("production", "test")],
)
@pytest.mark.parametrize("right", ["sk", "rk"])
def test_live_money_and_test_money_are_kept_apart(environment: str, kind: str, right: str) -> None:
    """
    A key of the wrong kind is refused at the start, restricted or not, and not shown.
    """
    key = f"{right}_{kind}_correcthorsebattery"

    with pytest.raises(SettingsInvalid) as caught:
        load_settings(SOUND | {"RSOLV_ENV": environment, "STRIPE_API_KEY": key})

    assert [problem.split(",")[0] for problem in caught.value.problems] == [f"STRIPE_API_KEY is a {kind} key"]
    assert key not in str(caught.value)


@pytest.mark.parametrize("kind", ["sk", "rk"])
def test_a_key_of_the_right_kind_is_taken(kind: str) -> None:
    """
    Secret and restricted keys alike.
    """
    taken = load_settings({"STRIPE_API_KEY": f"{kind}_test_correcthorsebattery"}).stripe_api_key

    assert taken == Secret(f"{kind}_test_correcthorsebattery")


@pytest.mark.parametrize(
    "key", ["pk_test_correcthorsebattery", "sk_test_", "sk_test_short", "sk_test_with a space", "sk"]
)
def test_what_is_no_key_of_stripes_is_refused(key: str) -> None:
    """
    A publishable key, half a key or a key of something else.
    """
    with pytest.raises(SettingsInvalid) as caught:
        load_settings({"STRIPE_API_KEY": key})

    assert caught.value.problems == ["STRIPE_API_KEY must be a secret or restricted key of Stripe's (sk_ or rk_)"]


def test_a_stand_in_for_stripe_has_no_place_in_production() -> None:
    """
    Payments that a stand-in accepts are not paid.
    """
    url = "http://127.0.0.1:12111"

    with pytest.raises(SettingsInvalid) as caught:
        load_settings(SOUND | {"STRIPE_API_BASE": url})

    assert caught.value.problems == ["STRIPE_API_BASE is for stand-ins, which production does not have"]
    assert load_settings({"STRIPE_API_BASE": url}).stripe_api_base == url


def test_several_webhook_secrets_are_valid_at_once_and_none_is_shown() -> None:
    """
    While one replaces the other; spaces around them do not matter.
    """
    given = "whsec_correcthorse, whsec_batterystaple,"

    found = load_settings({"STRIPE_WEBHOOK_SECRETS": given})

    assert found.stripe_webhook_secrets == (Secret("whsec_correcthorse"), Secret("whsec_batterystaple"))
    assert "whsec_" not in repr(found)


@pytest.mark.parametrize(
    ("key", "livemode"), [(TEST_KEY, False), (LIVE_KEY, True), (LIVE_KEY.replace("sk_", "rk_"), True)]
)
def test_a_key_says_whether_it_moves_real_money(key: str, livemode: bool) -> None:  # noqa: FBT001 -- a case
    """
    Events of the other mode are not ours.
    """
    settings = SOUND | {"RSOLV_ENV": "production" if livemode else "test", "STRIPE_API_KEY": key}

    assert load_settings(settings).stripe_livemode is livemode
    assert not load_settings({}).stripe_livemode


@pytest.mark.parametrize(
    ("environ", "public_url"),
    [
        ({"HOST": "10.0.0.7", "PORT": "8080"}, "http://10.0.0.7:8080"),
        ({"HOST": "::1"}, "http://[::1]:4000"),
        ({"PUBLIC_URL": "https://billing.test"}, "https://billing.test"),
        ({"PUBLIC_URL": "https://billing.test/"}, "https://billing.test"),
        ({"PUBLIC_URL": "https://billing.test/under/this/"}, "https://billing.test/under/this"),
        ({"PUBLIC_URL": "http://[::1]:80"}, "http://[::1]:80"),
        ({"PUBLIC_URL": ""}, "http://127.0.0.1:4000"),
    ],
)
def test_the_public_url_is_given_or_where_the_web_listens(environ: dict[str, str], public_url: str) -> None:
    """
    It ends without a slash, so that paths can follow.
    """
    assert load_settings(environ).public_url == public_url


@pytest.mark.parametrize(
    "url",
    [
        "billing.test",
        "ftp://billing.test",
        "https://",
        "https://billing.test?x",
        "https://billing.test/#a",
        "https://a@billing.test",
        "https://billing.test\n",
        "https://billing.test/{setup}",
    ],
)
def test_what_nobody_can_come_back_to_is_no_public_url(url: str) -> None:
    """
    Whatever would be changed or hidden by a path and a query behind it.
    """
    with pytest.raises(SettingsInvalid) as caught:
        load_settings({"PUBLIC_URL": url})

    assert caught.value.problems == ["PUBLIC_URL must be an http:// or https:// URL without a query"]


@pytest.mark.parametrize("url", [None, "http://billing.test"], ids=["none", "http"])
def test_in_production_customers_come_back_over_https(url: str | None) -> None:
    """
    Where the web listens is no address for them.
    """
    environ = {name: value for name, value in (SOUND | {"PUBLIC_URL": url}).items() if value is not None}

    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ)

    assert caught.value.problems == ["PUBLIC_URL must be an https:// URL in production: customers come back to it"]


@pytest.mark.parametrize(("value", "is_on"), [("true", True), ("True", True), ("false", False), ("", False)])
def test_a_switch_is_true_or_false(value: str, is_on: bool) -> None:  # noqa: FBT001 -- a case of the table
    """
    Anything else is refused, so that `no` cannot mean yes.
    """
    assert load_settings({"STRICT_REPOSITORY_OWNERSHIP": value}).strict_repository_ownership is is_on


@pytest.mark.parametrize("value", ["false", "False", " FALSE "])
def test_only_the_word_false_turns_billing_off(value: str) -> None:
    """
    However it is spelled.
    """
    assert not load_settings({"BILLING_ENABLED": value}).billing_enabled


@pytest.mark.parametrize("value", ["", "true", "no", "0", "off", "flase", "disabled"])
def test_anything_else_leaves_billing_on(value: str) -> None:
    """
    A slip of the hand must not stop the business.
    """
    assert load_settings({"BILLING_ENABLED": value}).billing_enabled


def test_proxies_are_addresses_and_networks_with_commas() -> None:
    """
    Of both families; an address is a network of one.
    """
    found = load_settings({"TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1,,2001:db8::/32"})

    assert found.trusted_proxies == ("10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32")


@pytest.mark.parametrize("text", ["*", "proxy.test", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1:80"])
def test_what_is_no_network_is_refused(text: str) -> None:
    """
    A star would believe everybody, and a name could be anybody's.
    """
    with pytest.raises(SettingsInvalid, match="TRUSTED_PROXIES"):
        load_settings({"TRUSTED_PROXIES": text})


def test_domains_are_a_list_with_commas() -> None:
    """
    Spaces and capitals do not matter, nor does a comma too many.
    """
    found = load_settings({"EMAIL_DOMAINS_ALLOWED": "good.test, Mail.Fine.test,", "EMAIL_DOMAINS_BLOCKED": ""})

    assert found.email_domains_allowed == {"good.test", "mail.fine.test"}
    assert found.email_domains_blocked == frozenset()


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["DATABASE_URL", "SECRET_KEY_BASE"]),
        ({"DATABASE_URL": DATABASE_URL}, ["SECRET_KEY_BASE"]),
        ({"SECRET_KEY_BASE": MASTER_KEY}, ["DATABASE_URL"]),
    ],
)
def test_who_serves_needs_a_database_and_a_master_key(environ: dict[str, str], missing: list[str]) -> None:
    """
    What is missing is named, and only that.
    """
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ).needed_to_serve()

    assert caught.value.problems == [f"{name} is needed to serve" for name in missing]


def test_what_is_needed_is_handed_over_as_secrets() -> None:
    """
    Who has everything gets it.
    """
    found = load_settings(SOUND)

    assert found.needed_to_serve() == (Secret(DATABASE_URL), Secret(MASTER_KEY))
    assert found.needed_to_work() == Secret(DATABASE_URL)


def test_who_works_needs_a_database() -> None:
    """
    The worker has no use for the master key.
    """
    with pytest.raises(SettingsInvalid, match=r"^DATABASE_URL is needed to work$"):
        load_settings({}).needed_to_work()


def test_settings_can_be_printed_without_telling_a_secret() -> None:
    """
    Neither the password in the URL nor the master key is in the text.
    """
    shown = f"{load_settings(SOUND)} {load_settings(SOUND)!r}"

    assert "hunter2" not in shown
    assert MASTER_KEY not in shown


def test_the_reference_lists_exactly_the_variables_that_are_read() -> None:
    """
    A variable that is added, renamed or removed changes docs/reference/settings.md in the same commit.
    """
    fields = {field.name.upper() for field in dataclasses.fields(Settings)}
    read = (fields - {"ENVIRONMENT", "HOME"}) | {"RSOLV_ENV", "RSOLV_HOME"}

    listed = re.findall(r"^\| `([A-Z_]+)` \|", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert sorted(listed) == sorted(read)


@pytest.mark.parametrize(("name", "smallest", "largest", "default"), BOUNDS, ids=[bound[0] for bound in BOUNDS])
def test_the_reference_tells_the_bounds_and_the_default(name: str, smallest: int, largest: int, default: int) -> None:
    """
    The row of a number says what is taken, and what it is when nobody says anything.
    """
    [row] = re.findall(rf"^\| `{name}` \|.*$", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert f"| {default:,} | {smallest:,} to {largest:,} |" in row
