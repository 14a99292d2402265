"""What the model may call: the catalog, the account gateways and the actions."""
