"""The Teams adapter: activities in, Adaptive Cards out; alone knows the Bot Framework."""
