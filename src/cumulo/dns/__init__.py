"""The DNS service."""
