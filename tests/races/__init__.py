"""What happens when several people, timers and machines decide about one thing at once."""
