"""Tests of the core's own files."""
