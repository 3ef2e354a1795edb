"""Drivers of a host's data plane: one Protocol, a real one and a fake one."""
