"""
Who can become a customer: addresses, names, sources and campaigns.
"""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsolv.customers import SOURCES, Acquisition, CustomerInvalid, EmailPolicy, NewCustomer, checked_new_customer
from rsolv.customers.rules import NAME_LENGTH_MAX, UTM_LENGTH_MAX, fold_email

LENIENT = EmailPolicy(example_domains_allowed=True)
STRICT = EmailPolicy(
    example_domains_allowed=False,
    domains_allowed=frozenset({"mailinator.com"}),
    domains_blocked=frozenset({"blocked.dev"}),
)
UTM_FIELDS = ("utm_source", "utm_medium", "utm_campaign", "utm_content")


def checked(
    email: str = "ada@example.com",
    name: str | None = "Ada",
    acquisition: Acquisition | None = None,
    policy: EmailPolicy = LENIENT,
) -> NewCustomer:
    return checked_new_customer(email=email, name=name, acquisition=acquisition or Acquisition(), policy=policy)


def refused_fields(**said: object) -> dict[str, list[str]]:
    with pytest.raises(CustomerInvalid) as caught:
        checked(**said)
    return caught.value.fields


@pytest.mark.parametrize(
    ("email", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  ada@example.com\n", "ada@example.com"),
        ("Ada.Lovelace+ci@Example.COM", "Ada.Lovelace+ci@example.com"),
        ("ada@sub.example.com", "ada@sub.example.com"),
        ("ada@büro.example", "ada@büro.example"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
    ],
)
def test_an_address_is_kept_as_its_owner_writes_it_with_the_domain_in_one_form(email: str, kept: str) -> None:
    """
    The local part may be case-sensitive at its server; spaces around it are nobody's intention.
    """
    assert checked(email=email).email == kept


@pytest.mark.parametrize(
    "email",
    [
        "",
        "   ",
        "ada",
        "ada@",
        "@example.com",
        "ada@@example.com",
        "ada@example",
        "ada example@example.com",
        "ada@exam ple.com",
        "ada@-example.com",
        "ada@example..com",
        ".ada@example.com",
        "ada@[127.0.0.1]",
        '"ada"@example.com',
        "Ada <ada@example.com>",
        "ada@example.com,bob@example.com",
        "ada\x00@example.com",
        "a" * 255 + "@example.com",
        "ada@" + "a" * 250 + ".com",
        "ada@a.invalid",
        "ada@x.localhost",
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(email: str) -> None:
    """
    Only the field that is wrong is blamed.
    """
    fields = refused_fields(email=email)

    assert list(fields) == ["email"]
    assert fields["email"][0]


@pytest.mark.parametrize(
    "domain",
    ["example.com", "EXAMPLE.com", "mail.example.org", "example.net", "shop.test", "deep.shop.example"],
)
def test_domains_reserved_for_examples_are_taken_only_where_the_policy_says_so(domain: str) -> None:
    """
    Tests and demonstrations use them, real customers cannot have them.
    """
    assert checked(email=f"ada@{domain}").email
    assert refused_fields(email=f"ada@{domain}", policy=STRICT) == {"email": ["This domain is reserved for examples."]}


@pytest.mark.parametrize("domain", ["myexample.com", "notexample.org", "example.dev", "contest.com", "example.com.de"])
def test_domains_that_only_end_like_an_example_are_taken(domain: str) -> None:
    """
    A company may be called so.
    """
    assert checked(email=f"ada@{domain}", policy=STRICT).email == f"ada@{domain}"


@pytest.mark.parametrize(
    "domain", ["guerrillamail.com", "eu.guerrillamail.com", "GuerrillaMail.com", "blocked.dev", "a.blocked.dev"]
)
def test_addresses_of_throw_away_mail_are_refused(domain: str) -> None:
    """
    The list knows them, or we blocked them ourselves; subdomains are meant too.
    """
    assert refused_fields(email=f"ada@{domain}", policy=STRICT) == {
        "email": ["Addresses of throw-away mail services are not taken."]
    }


@pytest.mark.parametrize("domain", ["mailinator.com", "team.mailinator.com", "gmail.com", "notguerrillamail.com"])
def test_a_domain_that_we_allowed_is_taken_though_the_list_has_it(domain: str) -> None:
    """
    Lists err; one setting mends it.
    """
    assert checked(email=f"ada@{domain}", policy=STRICT).email == f"ada@{domain}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.com", "ada@example.COM"),
        ("jose\u0301@example.com", "JOS\u00c9@example.com"),
        ("strasse@example.com", "stra\u00dfe@example.com"),
    ],
)
def test_two_spellings_of_one_address_fold_to_the_same(one: str, other: str) -> None:
    """
    Nobody becomes a second customer by pressing shift.
    """
    assert fold_email(one) == fold_email(other)


@given(st.text(alphabet=string.ascii_letters + string.digits + "._+-", min_size=1, max_size=30))
def test_folding_twice_changes_nothing_more(local: str) -> None:
    """
    The folded form is a form of its own.
    """
    folded = fold_email(f"{local}@example.com")

    assert fold_email(folded) == folded
    assert fold_email(f"{local.upper()}@EXAMPLE.COM") == folded


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Ada", "Ada"),
        ("  Ada  ", "Ada"),
        (None, "ada"),
        ("", "ada"),
        ("   ", "ada"),
        ("名前", "名前"),
        ("n" * NAME_LENGTH_MAX, "n" * NAME_LENGTH_MAX),
    ],
)
def test_a_name_is_trimmed_and_a_missing_one_is_made_of_the_address(name: str | None, kept: str) -> None:
    """
    A name is asked for, not demanded.
    """
    assert checked(name=name).name == kept


@pytest.mark.parametrize("name", ["n" * (NAME_LENGTH_MAX + 1), "Ada\x00", "Ada\nLovelace", "Ada\x1b[31m", "\ud800"])
def test_a_name_that_cannot_be_stored_or_shown_is_refused(name: str) -> None:
    """
    Control characters end up in mails, logs and terminals.
    """
    assert list(refused_fields(name=name)) == ["name"]


@pytest.mark.parametrize(
    ("said", "kept"), [*((source, source) for source in SOURCES), ("marketplace", "gh_marketplace")]
)
def test_a_source_is_one_that_we_know(said: str, kept: str) -> None:
    """
    The marketplace has a short name too.
    """
    assert checked(acquisition=Acquisition(source=said)).acquisition.source == kept


@pytest.mark.parametrize("source", ["", "Direct", "gh-marketplace", "friend", "direct "])
def test_an_unknown_source_is_refused_with_those_we_know(source: str) -> None:
    """
    Whoever asks is told what to say instead.
    """
    assert refused_fields(acquisition=Acquisition(source=source)) == {
        "source": ["must be one of direct, gh_marketplace, early_access"]
    }


def test_campaign_parameters_are_kept_as_they_are() -> None:
    """
    They are somebody else's words; absent ones stay absent.
    """
    said = Acquisition(utm_source="news letter", utm_medium=None, utm_campaign="", utm_content="x" * UTM_LENGTH_MAX)

    assert checked(acquisition=said).acquisition == said


@pytest.mark.parametrize("field", UTM_FIELDS)
@pytest.mark.parametrize("value", ["x" * (UTM_LENGTH_MAX + 1), "a\x00b", "a\tb"])
def test_a_campaign_parameter_that_cannot_be_stored_is_refused(field: str, value: str) -> None:
    """
    Each field answers for itself.
    """
    assert list(refused_fields(acquisition=Acquisition(**{field: value}))) == [field]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """
    Nobody corrects a form field by field.
    """
    fields = refused_fields(
        email="ada", name="\x00", acquisition=Acquisition(source="friend", **dict.fromkeys(UTM_FIELDS, "\x00"))
    )

    assert sorted(fields) == sorted(["email", "name", "source", *UTM_FIELDS])
