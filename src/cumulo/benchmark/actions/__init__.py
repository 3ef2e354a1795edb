"""Timed steps of scenarios, service by service, by Rally's names of atomic actions.

Contexts use them, too: what they time is thrown away.
"""
