"""Tests of the tools, the account gateways and the payment client."""
