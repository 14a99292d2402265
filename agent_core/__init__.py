"""The core: takes messages in, decides, acts within guardrails, hands over to people."""
