"""The service: command line, settings, composition root, and one folder per platform."""
