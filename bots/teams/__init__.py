"""The Teams adapter: activities in, Adaptive Cards out; the only place that knows the Bot Framework."""
