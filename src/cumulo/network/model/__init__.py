"""The network service's types."""
