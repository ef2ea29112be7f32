"""
The load generator counts what was answered, what was not, and from when.
"""

import time

import pytest

from bench.load import Load, OpenLoad, split_answer

from .conftest import OK, REFUSED

AT_ONCE = 1_000_000
"""
A rate at which all requests are due practically at the start.
"""


class CountingFromSending(OpenLoad):
    """
    The planted bug: a latency that begins when the request could be sent, not when it was due.
    """

    def _send(self, lane, due):
        now = time.perf_counter()
        self.tally.lateness_seconds.append(now - due)
        lane.send(self._operation.next_request(), since=now)


async def measured(load):
    """
    Open the lanes and run.
    """
    await load.open()
    return await load.run()


@pytest.mark.parametrize("cut", range(1, len(OK)))
def test_an_answer_is_counted_only_when_it_is_whole(cut):
    """
    Wherever the network cuts an answer, the first part alone is none.
    """
    assert split_answer(OK[:cut]) is None
    assert split_answer(OK) == (200, b'{"status":"ok"}')


def test_the_length_is_found_in_any_case():
    """
    Header names are told apart by nobody.
    """
    assert split_answer(REFUSED) == (503, b'{"error":"so busy"}')


async def test_every_acknowledgement_is_counted_once(server, asking):
    """
    In a closed loop as many are counted as the server answered, each with one latency.
    """
    tally = await measured(Load(asking, port=server.port, connections=4, seconds=0.05))

    assert tally.acknowledged == len(server.requests) == len(tally.latencies_seconds) > 0
    assert not tally.troubles


async def test_every_request_is_another_one(server, asking):
    """
    No number is sent twice, over however many connections.
    """
    await measured(Load(asking, port=server.port, connections=4, seconds=0.05))

    assert len(set(server.requests)) == len(server.requests)


async def test_an_answer_in_pieces_is_one_answer(server, asking):
    """
    Head and body may come apart.
    """
    server.answer = lambda _number: [OK[:20], OK[20:50], OK[50:]]

    tally = await measured(Load(asking, port=server.port, connections=2, seconds=0.05))

    assert tally.acknowledged == len(server.requests)
    assert not tally.troubles


async def test_refusals_are_counted_by_status_and_shown(server, asking):
    """
    What is not 2xx is never an acknowledgement.
    """
    server.answer = lambda number: [REFUSED if number % 2 else OK]

    tally = await measured(Load(asking, port=server.port, connections=1, seconds=0.05))

    assert tally.troubles["status 503"] + tally.acknowledged == len(server.requests)
    assert tally.troubles["status 503"] - tally.acknowledged in (0, 1)
    assert tally.trouble_example == '{"error":"so busy"}'


async def test_a_success_that_says_something_else_is_no_acknowledgement(server, asking):
    """
    A fix that was stored but not billed is answered 200 too.
    """
    server.answer = lambda _number: [OK.replace(b"ok", b"no")]

    tally = await measured(Load(asking, port=server.port, connections=1, seconds=0.02))

    assert tally.acknowledged == 0
    assert tally.troubles["status 200"] == len(server.requests)


async def test_a_broken_connection_is_counted_and_replaced(server, asking):
    """
    A server that hangs up once costs one request, and the load goes on.
    """
    server.answer = lambda number: None if number == 3 else [OK]

    tally = await measured(Load(asking, port=server.port, connections=1, seconds=0.1))

    assert tally.troubles == {"connection lost": 1}
    assert tally.acknowledged == len(server.requests) - 1 > 2


async def test_an_open_loop_sends_exactly_what_is_due(server, asking):
    """
    A rate times a duration is a number of requests, whatever the server does.
    """
    tally = await measured(OpenLoad(asking, port=server.port, connections=3, seconds=0.1, per_second=500))

    assert tally.acknowledged == len(server.requests) == 50


async def test_an_open_loop_counts_the_waiting_for_a_free_connection(server, asking):
    """
    Over one connection, each latency holds at least the time for which the request was overdue.
    """
    tally = await measured(OpenLoad(asking, port=server.port, connections=1, seconds=20 / AT_ONCE, per_second=AT_ONCE))

    pairs = zip(tally.latencies_seconds, tally.lateness_seconds, strict=True)
    assert all(latency >= lateness for latency, lateness in pairs)
    assert tally.acknowledged == 20


async def test_a_generator_that_forgets_the_waiting_is_noticed(server, asking):
    """
    Planted bug: counted from sending, some latency is shorter than the request was overdue.
    """
    tally = await measured(
        CountingFromSending(asking, port=server.port, connections=1, seconds=20 / AT_ONCE, per_second=AT_ONCE)
    )

    pairs = zip(tally.latencies_seconds, tally.lateness_seconds, strict=True)
    assert not all(latency >= lateness for latency, lateness in pairs)
