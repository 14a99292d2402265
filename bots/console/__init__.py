"""Pages for operators and support leads."""
