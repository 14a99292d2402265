"""The agent's core: takes messages in, decides, acts within guardrails, and hands over to people."""
