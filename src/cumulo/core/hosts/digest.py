"""One word for a whole set of items, so that both ends can see that they have the same."""

import hashlib
from collections.abc import Iterable


def digest_of(versions: Iterable[tuple[str, int]]) -> str:
    """Of (id, version) pairs, in whatever order."""
    found = hashlib.blake2b(digest_size=16)
    for id, version in sorted(versions):
        found.update(f"{id} {version}\n".encode())
    return found.hexdigest()
