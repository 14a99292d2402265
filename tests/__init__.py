"""The tests: they mirror the source, one folder per package."""
