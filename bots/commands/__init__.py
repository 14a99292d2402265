"""The command groups of `handrail`, one file each."""
