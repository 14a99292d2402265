"""The migrations, oldest first by their file name."""
