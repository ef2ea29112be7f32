"""
What PostgreSQL's own programs report is read rightly.
"""

from bench.machine import read_fdatasync
from bench.pgbench import read_result

REPORT = """
transaction type: same.sql
query mode: prepared
number of clients: 16
duration: 10 s
number of transactions actually processed: 24017
number of failed transactions: 0 (0.000%)
latency average = 6.661 ms
initial connection time = 30.151 ms
tps = 2402.053071 (without initial connection time)
"""
FSYNC_REPORT = """
Compare file sync methods using one 8kB write:
        open_datasync                      7956.114 ops/sec     126 usecs/op
        fdatasync                         11007.482 ops/sec      91 usecs/op
        fsync                              3116.912 ops/sec     321 usecs/op

Compare file sync methods using two 8kB writes:
        fdatasync                          5000.000 ops/sec     200 usecs/op
"""


def test_a_report_of_pgbench_is_read():
    """
    Transactions, rate without connecting, and mean latency.
    """
    found = read_result(REPORT)

    assert (found.transactions, found.per_second, found.latency_ms) == (24017, 2402.053071, 6.661)


def test_a_report_with_failed_transactions_is_no_result():
    """
    Planted bug: one failed transaction, which pgbench itself does not take for an error.
    """
    assert read_result(REPORT.replace("failed transactions: 0", "failed transactions: 1")) is None


def test_a_report_that_broke_off_is_no_result():
    """
    A client that was aborted leaves no rate.
    """
    assert read_result(REPORT.partition("tps")[0]) is None


def test_the_figure_of_a_single_write_is_taken():
    """
    pg_test_fsync measures several patterns; a commit is one write.
    """
    assert read_fdatasync(FSYNC_REPORT) == 11007.482
    assert read_fdatasync(FSYNC_REPORT.partition("fsync   ")[0].partition("fdatasync")[0]) is None
