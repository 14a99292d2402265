"""The Slack adapter: requests in, Block Kit out; the only place that knows Slack's SDK."""
