"""Local stand-ins for Slack's, Microsoft's and the payment provider's servers, and a page."""
