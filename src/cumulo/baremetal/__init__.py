"""Bare metal: machines as nodes, from enrolment to deployment and back."""
