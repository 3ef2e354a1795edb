"""Drivers of shared file systems: `driver` is the contract, the others fulfil it."""
