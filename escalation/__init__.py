"""The case that people work on: desk, brief, posts, relay, commands and reminders."""
