"""Shared file systems: what Manila is."""
