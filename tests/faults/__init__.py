"""Every fault at every point between an intent and its outcome, for every action."""
