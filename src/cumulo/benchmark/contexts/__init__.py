"""Surroundings that are made before a load and taken away after it."""
