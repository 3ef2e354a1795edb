"""Requests that the cloud itself makes: to stores, to webhooks, to addresses that users name."""
