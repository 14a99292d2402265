"""What operators see of the running service: traces, metrics, the log, and whether it is ready."""
