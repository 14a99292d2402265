"""The benchmark of inbound deliveries still runs, with all three servers."""

from tests.benchmarks.teams_inbound import measure


def test_a_short_run_gives_every_figure():
    row = measure(requests=32, rounds=1)
    assert row["ours"] > 0 and row["ratio"] > 0
    assert all(rate > 0 for rate in row["peers"].values())
