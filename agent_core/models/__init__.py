"""Adapters of the ChatModel port: OpenAI-compatible endpoints and the scripted model."""
