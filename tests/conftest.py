"""Registers the shared fixtures and the rule about skipped tests."""

from hypothesis import settings

pytest_plugins = (
    "tests.fixtures.skips",
    "tests.fixtures.postgres",
    "tests.fixtures.browser",
)

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("handrail", deadline=None)
settings.load_profile("handrail")
