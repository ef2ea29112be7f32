"""
Send deliveries to our endpoint as Stripe does, and as somebody who is not Stripe would.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from rsolv.db import Database
from rsolv.kernel import clock
from rsolv.kernel.secret import Secret
from rsolv.webhooks import StripeDeliveries
from stripe_gateway import objects
from stripe_twin.events.signatures import signature_header

SECRET, OTHER_SECRET = Secret("whsec_ofthetests"), Secret("whsec_ofsomebodyelse")
PATH = "/api/webhooks/stripe"
BODY = json.dumps(objects.event(), indent=2).encode()


@dataclass(frozen=True)
class Sent:
    """
    What goes over the wire: the raw body, and each value of the signature header.
    """

    body: bytes
    signatures: tuple[str, ...]


def signed(body: bytes = BODY, *, secret: Secret = SECRET, age_seconds: int = 0) -> Sent:
    """
    Sign a body as Stripe does, without the fake scheme that test events have besides.
    """
    signed_at = int(clock.now().timestamp()) - age_seconds
    header = signature_header(body, [secret.reveal()], signed_at=signed_at)
    return Sent(body, (header.rpartition(",")[0],))


def caller_of(database: Database, *secrets: Secret) -> httpx.AsyncClient:
    """
    Return somebody who can send to an endpoint that knows these secrets.
    """
    transport = httpx.ASGITransport(app=StripeDeliveries(database, secrets))
    return httpx.AsyncClient(transport=transport, base_url="http://api.test")


async def send(caller: httpx.AsyncClient, sent: Sent) -> httpx.Response:
    """
    Send one delivery.
    """
    headers = [("content-type", "application/json"), *(("stripe-signature", each) for each in sent.signatures)]
    return await caller.post(PATH, content=sent.body, headers=headers)


def forgeries(count: int) -> Iterator[Sent]:
    """
    Change a good delivery in one way each: bits of body and header, lengths, schemes, secrets, headers, spelling.
    """
    chance, good = random.Random("forgeries"), signed()  # noqa: S311 -- chance that can be repeated
    ways = (_flip_body, _flip_header, _cut, _swap, _other_secret, _repeat, _respell)
    for number in range(count):
        yield ways[number % len(ways)](good, chance)


def plainly_bad(count: int) -> Iterator[Sent]:
    """
    Sign with nothing, with nonsense, or with a guess.
    """
    guesses = ("", "nonsense", "t=1,v1=0", "t=,v1=", "v1=" + "0" * 64, "t=9999999999,v1=" + "f" * 64)
    for number in range(count):
        guess = guesses[number % len(guesses)]
        yield Sent(BODY, (guess,) if guess else ())


def _flip(text: bytes, chance: random.Random) -> bytes:
    at, bit = chance.randrange(len(text)), 1 << chance.randrange(7)
    return text[:at] + bytes([text[at] ^ bit]) + text[at + 1 :]


def _flip_body(good: Sent, chance: random.Random) -> Sent:
    return Sent(_flip(good.body, chance), good.signatures)


def _flip_header(good: Sent, chance: random.Random) -> Sent:
    return Sent(good.body, (_flip(good.signatures[0].encode(), chance).decode("latin-1"),))


def _cut(good: Sent, chance: random.Random) -> Sent:
    header = good.signatures[0]
    shorter = Sent(good.body, (header[: chance.randrange(len(header))],))
    return chance.choice([shorter, Sent(good.body[: chance.randrange(len(good.body))], good.signatures)])


def _swap(good: Sent, chance: random.Random) -> Sent:
    header = good.signatures[0]
    return Sent(good.body, (header.replace("v1=", chance.choice(["v0=", "v2=", "V1=", "v1:", "v1= ", "=v1="])),))


def _other_secret(good: Sent, chance: random.Random) -> Sent:
    age_seconds = chance.randrange(-200, 200)
    return signed(
        good.body, secret=chance.choice([OTHER_SECRET, Secret(""), Secret("whsec_")]), age_seconds=age_seconds
    )


def _repeat(good: Sent, chance: random.Random) -> Sent:
    twice = good.signatures * chance.randrange(2, 5)
    return Sent(good.body, chance.choice([twice, (",".join(twice),)]))


def _respell(good: Sent, chance: random.Random) -> Sent:
    spelled = json.dumps(json.loads(good.body), indent=chance.choice([None, 1, 3, 4]), sort_keys=True)
    return Sent(spelled.encode() + b" " * chance.randrange(3), good.signatures)
