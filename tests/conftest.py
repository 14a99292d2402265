"""Registers the shared fixtures and the rule about skipped tests."""

pytest_plugins = (
    "tests.fixtures.skips",
    "tests.fixtures.postgres",
    "tests.fixtures.browser",
)
