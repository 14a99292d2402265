"""Adapters of the Engine port: what queues turns, keeps one running per conversation, and times."""
