"""
A delivery is from Stripe, and fresh, or it is refused.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import stripe as sdk
from hypothesis import given
from hypothesis import strategies as st

from rsolv.kernel import clock
from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway import DeliveryRefused, StripeEvent, verify_delivery
from stripe_gateway import objects

SECRET = Secret("whsec_first")
SECOND_SECRET = Secret("whsec_second")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TIMESTAMP = str(int(NOW.timestamp()))
BODY = json.dumps(objects.event()).encode()


def signature(body: bytes = BODY, *, secret: Secret = SECRET, timestamp: str = TIMESTAMP) -> str:
    return hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def header(*, at: datetime = NOW, secret: Secret = SECRET, body: bytes = BODY) -> str:
    timestamp = str(int(at.timestamp()))
    return f"t={timestamp},v1={signature(body, secret=secret, timestamp=timestamp)}"


def verify(
    body: bytes = BODY, *headers: str, secrets: Sequence[Secret] = (SECRET,), now: datetime = NOW
) -> StripeEvent:
    return verify_delivery(body, headers or (header(),), secrets=secrets, now=now)


def refusal(body: bytes, *headers: str, secrets: Sequence[Secret] = (SECRET,), now: datetime = NOW) -> str:
    with pytest.raises(DeliveryRefused) as caught:
        verify_delivery(body, headers, secrets=secrets, now=now)
    return caught.value.reason


def test_a_delivery_signed_with_our_secret_is_accepted() -> None:
    """
    The event that the body brings is returned.
    """
    event = verify()

    assert event.id == "evt_1"
    assert event.raw == json.loads(BODY)


def test_a_header_made_by_the_library_is_accepted() -> None:
    """
    Stripe's own signer and our verifier agree.
    """
    made = sdk.WebhookSignature.generate_signature_header(
        BODY.decode(), SECRET.reveal(), timestamp=int(NOW.timestamp())
    )

    assert verify(BODY, made).id == "evt_1"


def test_the_raw_bytes_are_verified_and_not_what_they_mean() -> None:
    """
    The same JSON, written otherwise, is refused: nothing may parse and write it again before us.
    """
    rewritten = json.dumps(json.loads(BODY), indent=1).encode()

    assert refusal(rewritten, header()) == "signature_wrong"
    assert verify(rewritten, header(body=rewritten)).id == "evt_1"


@pytest.mark.parametrize(
    "header_value",
    [
        pytest.param("", id="empty"),
        pytest.param(f"v1={signature()}", id="no timestamp"),
        pytest.param(f"t={TIMESTAMP}", id="no signature"),
        pytest.param(f"t={TIMESTAMP},v0={signature()}", id="only another scheme"),
        pytest.param(f"t={TIMESTAMP},t={TIMESTAMP},v1={signature()}", id="two timestamps"),
        pytest.param(f"t=0{TIMESTAMP},v1={signature()}", id="eleven digits"),
        pytest.param(f"t={TIMESTAMP[1:]},v1={signature()}", id="nine digits"),
        pytest.param(f"t=+{TIMESTAMP[1:]},v1={signature()}", id="a sign"),
        pytest.param("t=١٧٩٥١٧٦٠٠٠,v1=" + signature(), id="other digits than ASCII's"),
        pytest.param(f"t={TIMESTAMP},v1={signature().upper()}", id="upper-case hexadecimal"),
        pytest.param(f"t={TIMESTAMP},v1={signature()[1:]}", id="63 characters"),
        pytest.param(f"t={TIMESTAMP},v1={signature()}0", id="65 characters"),
        pytest.param(f"t={TIMESTAMP},v1={signature()[:-1]}é", id="not ASCII"),
        pytest.param(f"t={TIMESTAMP},v1={signature()[:-1]}\udc80", id="a lone surrogate"),
        pytest.param(f"t={TIMESTAMP}, v1={signature()}", id="a space"),
        pytest.param(f"t={TIMESTAMP},v1={signature()},", id="a comma at the end"),
        pytest.param(f"t={TIMESTAMP},v1={signature()}\n", id="a line end"),
        pytest.param(f"t={TIMESTAMP},v1={signature()},x=1", id="an unknown part"),
        pytest.param(f"t={TIMESTAMP},v1={signature()},v0=XYZ", id="another scheme, not hexadecimal"),
        pytest.param(f"t={TIMESTAMP}," + ",".join([f"v1={signature()}"] * 6), id="six signatures"),
        pytest.param(f"t={TIMESTAMP},v1={signature()}," + ",".join(["v0=" + "0" * 128] * 8), id="more than 1 KB"),
    ],
)
def test_a_header_that_stripe_would_not_send_is_refused(header_value: str) -> None:
    """
    Whatever is not in the grammar is refused, also around a right signature, and nothing crashes.
    """
    assert refusal(BODY, header_value) == "header_malformed"


def test_exactly_one_header_is_accepted() -> None:
    """
    None and two are refused, the two even when both are right.
    """
    assert refusal(BODY) == "header_missing"
    assert refusal(BODY, header(), header()) == "header_repeated"


def test_the_right_one_of_five_signatures_is_found() -> None:
    """
    Stripe sends one per secret while a secret is rotated, and test schemes beside them.
    """
    wrong = signature(secret=SECOND_SECRET)
    mixed = f"t={TIMESTAMP},v1={wrong},v1={wrong},v0={wrong},v1={wrong},v1={wrong},v1={signature()}"

    assert verify(BODY, mixed).id == "evt_1"


@pytest.mark.parametrize("secret", [SECRET, SECOND_SECRET], ids=["the old one", "the new one"])
def test_both_secrets_are_accepted_during_a_rotation(secret: Secret) -> None:
    """
    Whichever of ours signed it.
    """
    assert verify(BODY, header(secret=secret), secrets=[SECRET, SECOND_SECRET]).id == "evt_1"


@pytest.mark.parametrize(
    "secrets", [[SECOND_SECRET], [], [Secret("")]], ids=["another endpoint's", "none", "an empty one"]
)
def test_a_delivery_signed_with_no_secret_of_ours_is_refused(secrets: list[Secret]) -> None:
    """
    Nor with an empty one, with which anybody could sign.
    """
    assert refusal(BODY, header(), secrets=secrets) == "signature_wrong"
    assert refusal(BODY, header(secret=Secret("")), secrets=secrets) == "signature_wrong"


@pytest.mark.parametrize("age_seconds", [-300, -1, 0, 1, 300])
def test_a_delivery_within_five_minutes_is_fresh(age_seconds: int) -> None:
    """
    On both sides of now, because clocks differ.
    """
    assert verify(BODY, header(at=NOW - timedelta(seconds=age_seconds))).id == "evt_1"


@pytest.mark.parametrize(("age_seconds", "reason"), [(301, "too_old"), (-301, "too_new"), (-86_400, "too_new")])
def test_an_older_and_a_newer_delivery_are_refused(age_seconds: int, reason: str) -> None:
    """
    One from the future would stay valid until then, and could be replayed all the while.
    """
    assert refusal(BODY, header(at=NOW - timedelta(seconds=age_seconds))) == reason


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b"[" * 100_000, id="very deep"),
        pytest.param(json.dumps({**objects.event(), "object": "charge"}).encode(), id="another object"),
        pytest.param(json.dumps({**objects.event(), "id": None}).encode(), id="an event without id"),
    ],
)
def test_what_is_rightly_signed_and_no_event_is_refused(body: bytes) -> None:
    """
    In the same way as any other, without a crash.
    """
    assert refusal(body, header(body=body)) == "not_an_event"


def test_a_refusal_tells_nothing_of_the_delivery() -> None:
    """
    Its text is a word of ours.
    """
    with pytest.raises(DeliveryRefused) as caught:
        verify(b"card 4242", f"t={TIMESTAMP},v1=whsec_first")

    assert str(caught.value) == "header_malformed"


def is_accepted(body: bytes, header_value: str) -> bool:
    try:
        verify(body, header_value)
    except DeliveryRefused:
        return False
    return True


def test_every_flipped_bit_is_noticed() -> None:
    """
    All of them, in the body and in the header.
    """
    bodies = [flipped(BODY, bit) for bit in range(len(BODY) * 8)]
    signed = header().encode()
    headers = [flipped(signed, bit).decode("latin-1") for bit in range(len(signed) * 8)]

    assert [body for body in bodies if is_accepted(body, header())] == []
    assert [value for value in headers if is_accepted(BODY, value)] == []


def flipped(text: bytes, bit: int) -> bytes:
    changed = bytearray(text)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(at=st.integers(0, len(BODY)), removed=st.integers(0, 40), added=st.binary(max_size=40))
def test_every_other_body_is_refused(at: int, removed: int, added: bytes) -> None:
    """
    Whatever is cut out or put in.
    """
    changed = BODY[:at] + added + BODY[at + removed :]

    assert is_accepted(changed, header()) == (changed == BODY)


@given(at=st.integers(0, len(header())), removed=st.integers(0, 80), added=st.text(max_size=80))
def test_every_other_header_is_refused(at: int, removed: int, added: str) -> None:
    """
    Whatever is cut out or put in; parts that change nothing cannot be made by chance.
    """
    changed = header()[:at] + added + header()[at + removed :]

    assert is_accepted(BODY, changed) == (changed == header())


@given(st.text(max_size=200), st.binary(max_size=200))
def test_nothing_makes_the_verifier_crash(header_value: str, body: bytes) -> None:
    """
    Any text and any bytes are refused.
    """
    assert not is_accepted(body, header_value)


# Planted bugs: verifiers as they are often written, and the delivery by which each is found out.


def verify_as_the_library_does(body: bytes, header_value: str) -> bool:
    """
    Look for age only in the past, and take the first of several timestamps.
    """
    return sdk.WebhookSignature.verify_header(body, header_value, SECRET.reveal(), tolerance=300)


def verify_what_was_parsed(body: bytes, header_value: str) -> bool:
    """
    Parse first, and verify what is written again from it.
    """
    return header_value == header(body=json.dumps(json.loads(body)).encode(), at=clock.now())


def verify_any_case(body: bytes, header_value: str) -> bool:
    """
    Compare without regard to case.
    """
    return header_value.lower() == header(body=body, at=clock.now())


@pytest.mark.parametrize(
    ("careless", "body", "shown"),
    [
        pytest.param(
            verify_as_the_library_does, BODY, lambda now: header(at=now + timedelta(days=1)), id="one-sided tolerance"
        ),
        pytest.param(
            verify_as_the_library_does, BODY, lambda now: f"{header(at=now)},t=1111111111", id="two timestamps"
        ),
        pytest.param(verify_what_was_parsed, BODY + b" ", lambda now: header(at=now), id="parsed before verified"),
        pytest.param(verify_any_case, BODY, lambda now: header(at=now).replace("v1", "V1"), id="any case"),
    ],
)
def test_careless_verifiers_accept_what_ours_refuses(
    careless: Callable[[bytes, str], bool], body: bytes, shown: Callable[[datetime], str]
) -> None:
    """
    Each planted bug lets a delivery through which the tests above would miss it by.
    """
    now = clock.now()

    assert careless(body, shown(now))
    assert refusal(body, shown(now), now=now)
