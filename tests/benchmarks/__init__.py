"""Measures this project beside others, as ratios in one run: `make bench`."""
