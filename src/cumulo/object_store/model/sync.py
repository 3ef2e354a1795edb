"""Container sync: a container whose objects are sent on to another one, here or in another cloud.

Clouds that trust each other share a realm and its key; `X-Container-Sync-To:
//REALM/CLUSTER/ACCOUNT/CONTAINER` names the other container, and `X-Container-Sync-Key`, which both
containers have, is the owners' own word. Each request that sends something is signed by both keys.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple
from urllib.parse import unquote

from cumulo.core.db.rows import Key, Row, table
from cumulo.object_store.model.faults import BadInput

OPTION = "sync"
"""Of a container: {"to": …, "key": …}."""
AUTH = "x-container-sync-auth"
MAX_KEY = 256


@table("object_syncs")
class SyncRow(Row, frozen=True):
    """A container that is sent on."""

    container_id: Annotated[str, Key()]
    reason: str
    """Why the last pass did not end well; empty: it did."""


@table("object_synced")
class SyncedRow(Row, frozen=True):
    """What the other container is known to have."""

    container_id: Annotated[str, Key()]
    name: Annotated[bytes, Key()]
    timestamp: str
    """The object's, as it was when it was sent or when it came."""


@dataclass(frozen=True, slots=True)
class Realm:
    key: str
    key2: str
    """The one before: signatures by it are taken, too."""
    clusters: Mapping[str, str]
    """Upper-case name → the URL that accounts are below."""


Realms = Mapping[str, Realm]
"""By upper-case names."""


class Target(NamedTuple):
    realm: str
    cluster: str
    account: str
    container: str


def target_of(given: str, realms: Realms) -> Target:
    """Raises BadInput."""
    if not given.startswith("//"):
        raise BadInput(
            "Full URLs are not allowed for X-Container-Sync-To values. Only realm values of the "
            "format //realm/cluster/account/container are allowed.\n"
        )
    parts = given[2:].split("/")
    # Whoever is in front of the other side may fold such paths.
    folded = {".", ".."} & {unquote(each) for each in parts}
    if len(parts) != 4 or not all(parts) or folded:
        raise BadInput(f"Invalid X-Container-Sync-To format {given!r:.200}")
    realm, cluster, account, container = parts
    known = realms.get(realm.upper())
    if known is None:
        raise BadInput(f"No realm key for {realm!r:.100}")
    if cluster.upper() not in known.clusters:
        raise BadInput(f"No cluster endpoint for {realm!r:.100} {cluster!r:.100}")
    return Target(realm.upper(), cluster.upper(), account, container)


def signature(
    method: str, path: str, timestamp: str, nonce: str, realm_key: str, user_key: str
) -> str:
    """By Swift's own recipe: an HMAC-SHA1 over the request, its time, a nonce and the owners'
    word. `path`: percent-encoded."""
    text = "\n".join((method, path, timestamp, nonce, user_key))
    return hmac.new(realm_key.encode(), text.encode(), hashlib.sha1).hexdigest()


def header(realm_name: str, realm: Realm, method: str, path: str, timestamp: str, key: str) -> str:
    """A request's `X-Container-Sync-Auth`."""
    nonce = secrets.token_hex(16)
    made = signature(method, path, timestamp, nonce, realm.key, key)
    return f"{realm_name} {nonce} {made}"


def is_signed(
    given: str, realms: Realms, method: str, paths: tuple[str, ...], timestamp: str, key: str
) -> bool:
    """`paths`: what the sender may have taken for the path."""
    parts = given.split()
    realm = realms.get(parts[0].upper()) if len(parts) == 3 else None
    if realm is None or not key:
        return False
    right = [
        signature(method, path, timestamp, parts[1], own, key)
        for own in (realm.key, realm.key2)
        if own
        for path in paths
    ]
    return any([hmac.compare_digest(each.encode(), parts[2].encode()) for each in right])
