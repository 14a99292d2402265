"""Adapters of the Store port: SQL tables with their migrations, and memory."""
