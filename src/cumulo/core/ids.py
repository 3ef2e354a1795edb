"""Ids: random ones for what users make, derived ones for children of a resource.

A child whose id follows from its parent can be made twice without being made double, which is
what a repeated step after a crash does.
"""

import uuid

_SPACE = uuid.UUID("6b1e1c1e-c0c0-4000-8000-000000000001")


def new_id() -> str:
    """`5f0c…` with dashes: compute, image, network, block storage."""
    return str(uuid.uuid4())


def new_hex() -> str:
    """32 hexadecimal digits: identity."""
    return uuid.uuid4().hex


def child_id(parent: str, kind: str, index: int | str = 0) -> str:
    """The same id for the same child, always."""
    return str(uuid.uuid5(_SPACE, f"{parent}/{kind}/{index}"))
