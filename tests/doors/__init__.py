"""Every HTTP door of the service, under fire."""
