"""Customers' accounts: types, the gateway port, its SQL adapter, and the payment client."""
