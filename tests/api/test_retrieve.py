"""
GET /api/v1/phases/retrieve.
"""

import json
from typing import Any

import httpx
import pytest

from api.wire import RETRIEVE, STORE, result

HERE = {"repo": "acme/shop", "commit": "c0ffee"}


async def test_phases_come_back_under_the_names_the_client_reads(acme_client: httpx.AsyncClient) -> None:
    """
    The scan is an object; validation and mitigation are maps from issue-N to that issue's data.
    """
    await acme_client.post(STORE, json=result("scan", vulnerabilities=[{"type": "xss"}]))
    await acme_client.post(STORE, json=result("validate", issue=7, validated=True))
    await acme_client.post(STORE, json=result("mitigate", issue=7, fixed=False))

    answer = await acme_client.get(RETRIEVE, params=HERE | {"issue": 7})

    assert answer.status_code == httpx.codes.OK
    assert answer.json() == {
        "scan": {"vulnerabilities": [{"type": "xss"}]},
        "validation": {"issue-7": {"validated": True}},
        "mitigation": {"issue-7": {"fixed": False}},
    }


async def test_without_an_issue_every_issue_comes_back(acme_client: httpx.AsyncClient) -> None:
    """
    The issue is optional; with it only that issue's data is given, beside the scan.
    """
    for issue in (7, 8):
        await acme_client.post(STORE, json=result("validate", issue=issue, number=issue))
    await acme_client.post(STORE, json=result("scan"))

    of_all = await acme_client.get(RETRIEVE, params=HERE)
    of_one = await acme_client.get(RETRIEVE, params=HERE | {"issue": 8})

    assert of_all.json() == {"scan": {}, "validation": {"issue-7": {"number": 7}, "issue-8": {"number": 8}}}
    assert of_one.json() == {"scan": {}, "validation": {"issue-8": {"number": 8}}}


async def test_the_spelling_of_a_repository_does_not_matter(acme_client: httpx.AsyncClient) -> None:
    """
    The forge does not tell cases apart, so neither do we.
    """
    await acme_client.post(STORE, json=result("scan") | {"repo": "Acme/Shop"})

    assert (await acme_client.get(RETRIEVE, params=HERE | {"repo": "aCME/sHOP"})).status_code == httpx.codes.OK


@pytest.mark.parametrize("elsewhere", [{"repo": "acme/blog"}, {"repo": "other/shop"}, {"commit": "beef"}, {"issue": 9}])
async def test_nothing_stored_is_not_found(acme_client: httpx.AsyncClient, elsewhere: dict[str, Any]) -> None:
    """
    Another repository, commit or issue than was stored is a 404 that says so.
    """
    await acme_client.post(STORE, json=result("validate", issue=7))

    answer = await acme_client.get(RETRIEVE, params=HERE | elsewhere)

    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.json()["error"] == "No phase data found"
    assert answer.json()["code"] == "nothing_stored"


ODD_VALUES = {
    "order": {"z": 1, "a": 2, "ä": [], "": {}},
    "numbers": [0, -1, 1.5, 1e21, 0.1, -0.0, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 5e-324, 1.7976931348623157e308],
    "text": 'quote " backslash \\ slash / tab \t line \n é 漢 😀 \u2028 \x7f </script> \\u0000',
    "constants": [None, True, False],
    "deep": [[[[[[[[[[{"x": []}]]]]]]]]]],
    "numeric keys": {"1": "one", "01": "other"},
}


@pytest.mark.parametrize("phase", ["scan", "validation", "mitigation"])
async def test_data_comes_back_as_it_was_stored(acme_client: httpx.AsyncClient, phase: str) -> None:
    """
    What a program reads from the answer equals what it sent, down to the odd ends of JSON.
    """
    stored = await acme_client.post(STORE, json=result(phase, issue=7, **ODD_VALUES))
    assert stored.status_code == httpx.codes.OK, stored.text

    answer = json.loads((await acme_client.get(RETRIEVE, params=HERE)).content)

    came_back = answer["scan"] if phase == "scan" else answer[phase]["issue-7"]
    assert json.loads(json.dumps(came_back), parse_int=float) == json.loads(json.dumps(ODD_VALUES), parse_int=float)
    assert came_back["numbers"][6:10] == ODD_VALUES["numbers"][6:10]
