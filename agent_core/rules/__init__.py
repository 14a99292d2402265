"""Reads policy.yaml and compiles its conditions into predicates for the core."""
