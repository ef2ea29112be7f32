"""
The rules about transactions, SQL, money and time: each with what it catches and, beside it, what it wants.
"""

import pytest

SERVICE = "src/rsolv/ledger/service.py"
QUERIES = "src/rsolv/ledger/queries.py"

CASES = [
    # rule, path, what is caught, what is wanted
    (
        "one-transaction-place",
        SERVICE,
        "async def pay(database):\n    async with database.transaction(): ...",
        "async def pay(connection):\n    await queries.insert(connection)",
    ),
    (
        "one-transaction-place",
        "src/rsolv/ledger/service/consume.py",
        "async def pay(connection):\n    async with connection.transaction(): ...",
        "async def pay(connection): ...",
    ),
    (
        "one-transaction-place",
        "src/rsolv/api/fixes.py",
        "async def route(database):\n    opened = database.transaction()",
        "async def route(database):\n    async with database.transaction() as connection: ...",
    ),
    (
        "one-transaction-place",
        "src/rsolv/fixes/jobs.py",
        "async def job(connection):\n    await connection.execute('COMMIT')",
        "async def job(database):\n    async with database.transaction() as connection: ...",
    ),
    (
        "one-transaction-place",
        "src/rsolv/worker.py",
        "async def work(started):\n    await started.rollback()",
        "def text():\n    return 'Begin again'",
    ),
    (
        "no-outside-call-in-transaction",
        "src/rsolv/charges/jobs.py",
        "async def job(db, gateway):\n    async with db.transaction():\n        await gateway.charge()",
        "async def job(db, gateway):\n    await gateway.charge()\n    async with db.transaction(): ...",
    ),
    (
        "no-outside-call-in-transaction",
        "src/rsolv/webhooks/stripe.py",
        "from rsolv.mail import send\nasync def f(d):\n    async with d.transaction():\n        await send()",
        "async def f(db, email):\n    async with db.transaction():\n        email.strip()",
    ),
    (
        "sql-only-in-queries",
        SERVICE,
        "STATEMENT = 'SELECT 1'",
        "def list_keys():\n    '''\n    SELECT is what this does not do.\n    '''",
    ),
    (
        "sql-only-in-queries",
        "src/rsolv/api/fixes.py",
        "text = f'delete from {table} where id = $1'",
        "text = 'Delete the key from the list'",
    ),
    (
        "sql-only-in-queries",
        "src/rsolv/local/up.py",
        "text = '''\n  insert into x values (1)'''",
        "from rsolv.local import queries",
    ),
    (
        "sql-is-literal",
        QUERIES,
        "async def list_keys(c, table):\n    await c.fetch(f'SELECT 1 FROM {table} LIMIT 1')",
        "async def list_keys(c, limit):\n    await c.fetch('SELECT 1 FROM keys LIMIT $1', limit)",
    ),
    ("sql-is-literal", QUERIES, "STATEMENT = 'SELECT %s' % name", "STATEMENT = 'SELECT 7 % 2'"),
    (
        "sql-is-literal",
        QUERIES,
        "STATEMENT = 'SELECT {}'.format(name)",
        "STATEMENT = ('SELECT 1 '\n 'FROM keys')",
    ),
    (
        "sql-is-literal",
        "src/rsolv/ledger/queries/moves.py",
        "async def move(connection, text):\n    await connection.execute(text)",
        "async def move(connection):\n    await connection.execute(MOVE, 1)",
    ),
    (
        "customer-scope",
        QUERIES,
        "async def get_entry(c, entry_id): ...",
        "async def get_entry(c, *, customer_id, entry_id): ...",
    ),
    ("customer-scope", QUERIES, "async def lock_entry(c): ...", "async def find_entry_for_operator(c): ..."),
    (
        "customer-scope",
        "src/rsolv/api_keys/queries.py",
        "async def find_key(c): ...",
        "async def find_key_by_hash(c, digest): ...",
    ),
    ("customer-scope", QUERIES, "async def list_entries(c): ...", "async def insert_entry(c): ..."),
    (
        "list-has-limit",
        QUERIES,
        "async def list_keys(c, customer_id):\n    return await c.fetch('SELECT 1')",
        "async def list_keys(c, customer_id, limit):\n    return await c.fetch('SELECT 1 LIMIT $2', limit)",
    ),
    (
        "list-has-limit",
        QUERIES,
        "KEYS = 'SELECT 1'\nasync def list_keys(c, customer_id):\n    return await c.fetch(KEYS)",
        "KEYS = 'SELECT 1 LIMIT $1'\nasync def list_keys(c, customer_id):\n    return await c.fetch(KEYS)",
    ),
    ("no-float-money", "src/rsolv/ledger/rules.py", "half = 0.5", "half, rest = divmod(amount_cents, 2)"),
    ("no-float-money", "src/rsolv/charges/rules.py", "half = amount_cents / 2", "half = amount_cents // 2"),
    ("no-float-money", "src/rsolv/charges/rules.py", "amount_cents /= 2", "amount_cents //= 2"),
    (
        "no-float-money",
        "src/rsolv/catalog/rules.py",
        "def tax(rate: float): ...",
        "def tax(rate_basis_points: int): ...",
    ),
    ("no-float-money", "src/rsolv/catalog/service.py", "cents = float(text)", "path = root / 'catalog.toml'"),
    ("no-price-in-code", "src/rsolv/charges/service.py", "amount = 1500", "amount = plan.fix_price_cents"),
    ("no-price-in-code", "src/rsolv/provisioning/service.py", "give(credits=5)", "give(credits=1)"),
    (
        "no-price-in-code",
        "src/rsolv/provisioning/service.py",
        "def give(connection, *, credits=5): ...",
        "def give(tries=5): ...",
    ),
    ("no-price-in-code", "src/rsolv/provisioning/rules.py", "LOW_CREDITS: int = 5", "TRIES_MAX: int = 5"),
    (
        "no-price-in-code",
        "src/rsolv/limits/rules.py",
        "PLAN = {'hourly_quota': 500}",
        "PLAN = {'ttl_seconds': 500}",
    ),
    (
        "no-price-in-code",
        "src/rsolv/fixes/rules.py",
        "is_low = balance.credits <= 5",
        "is_low = balance.credits <= low",
    ),
    (
        "no-price-in-code",
        "src/rsolv/portal/plans.html",
        "<p>$599.00 a month</p>",
        "<p>{{ plan.price }} a month</p>",
    ),
    (
        "no-price-in-code",
        "src/rsolv/mail/texts.py",
        "text = 'Each costs $15.'",
        "text = 'Each costs {price}, not $151 or $1.50.'",
    ),
    (
        "clock",
        SERVICE,
        "import datetime as d\nnow = d.datetime.now(d.UTC)",
        "from rsolv.kernel import clock\nnow = clock.now()",
    ),
    ("clock", "src/rsolv/api/keys.py", "from datetime import date\non = date.today()", "on = now.date()"),
    (
        "clock",
        "tests/ledger/test_rules.py",
        "from time import time\nat = time()",
        "from time import monotonic\nat = monotonic()",
    ),
]


@pytest.mark.parametrize(("rule", "path", "caught", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_a_rule_catches_what_is_wrong_and_accepts_what_is_wanted(broken, rule, path, caught, wanted):
    """
    The wrong snippet breaks the rule; the right one at the same path does not.
    """
    assert rule in broken(path, caught)
    assert rule not in broken(path, wanted)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (
            "one-transaction-place",
            "src/rsolv/db.py",
            "async def f(connection):\n    opened = connection.transaction()",
        ),
        ("sql-only-in-queries", QUERIES, "ONE = 'SELECT 1'"),
        ("sql-only-in-queries", "tests/ledger/test_consume.py", "ONE = 'SELECT 1'"),
        ("customer-scope", "src/rsolv/catalog/queries.py", "async def find_newest(connection): ..."),
        ("no-float-money", "src/rsolv/limits/rules.py", "share = 0.5"),
        ("no-price-in-code", "tests/charges/test_rules.py", "amount_cents = 1500"),
        ("no-price-in-code", "src/rsolv/ledger/queries/moves.py", "MOVE = 'SELECT $15'"),
        ("clock", "src/rsolv/kernel/clock.py", "from datetime import UTC, datetime\nnow = datetime.now(UTC)"),
        ("clock", "bench/ledger.py", "import time\nat = time.time()"),
    ],
)
def test_a_rule_is_silent_where_the_thing_belongs(broken, rule, path, text):
    """
    What is wrong in one place is right in the place that the rule names.
    """
    assert rule not in broken(path, text)
