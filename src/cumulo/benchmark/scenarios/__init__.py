"""Scenarios by their Rally names; each module has those of some groups (see registry)."""
