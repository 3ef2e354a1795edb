"""Container sync on the wire: headers of containers, and requests that another cloud signs."""

import time
from collections.abc import Mapping
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api import texts
from cumulo.object_store.api.asked import VERSION, Asked
from cumulo.object_store.model import names
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, Changed, NeedsLogin, NotImplementedYet
from cumulo.object_store.model.sync import AUTH, MAX_KEY, OPTION, Realms, is_signed, target_of
from cumulo.object_store.model.timestamps import of
from cumulo.object_store.service.access import Synced
from cumulo.object_store.service.object_store import ObjectStoreService

METHODS = ("GET", "HEAD", "PUT", "DELETE")
AHEAD = 86_400.0
"""Seconds that the clock of whoever sends may be ahead."""
TO, KEY = "x-container-sync-to", "x-container-sync-key"


class SyncApi:
    def __init__(self, store: ObjectStoreService, realms: Realms, current: str) -> None:
        self._store = store
        self._realms = realms
        self._current = current

    def info(self) -> dict[str, Any]:
        """For `/info`."""
        realm, _, cluster = self._current.strip("/").upper().partition("/")
        return {
            "realms": {
                name: {
                    "clusters": {
                        each: {"current": True} if (name, each) == (realm, cluster) else {}
                        for each in found.clusters
                    }
                }
                for name, found in self._realms.items()
            }
        }

    def wishes(self, headers: Mapping[str, str], row: ContainerRow | None) -> dict[str, Any]:
        """What a PUT or POST of a container says of it, with what stays as it is."""
        kept = dict((row.options.get(OPTION) if row is not None else None) or {})
        changed = False
        for name, word in ((TO, "to"), (KEY, "key")):
            if name in headers or f"x-remove-{name[2:]}" in headers:
                changed = True
                kept[word] = headers.get(name, "")
        if not changed:
            return {}
        if kept.get("to"):
            target_of(kept["to"], self._realms)
        if len(kept.get("key", "")) > MAX_KEY:
            raise BadInput(f"X-Container-Sync-Key is longer than {MAX_KEY}")
        return {OPTION: {word: value for word, value in kept.items() if value} or None}

    # requests of other clouds

    def verify(self, tx: Tx, call: Call) -> Principal | None:
        """A face's own way of authentication: it gives a grant, and nobody's name."""
        given = call.header(AUTH)
        if given is None:
            return None
        tail = call.raw_path.removeprefix(call.face.mount)
        place = names.split(tail.removeprefix(VERSION)) if tail.startswith(VERSION) else None
        method, timestamp = call.operation.method, call.header("X-Timestamp") or "0"
        if place is None or not place.object or method not in METHODS:
            raise _wrong()
        wish = list(call.query.pairs)
        if wish and (method != "PUT" or wish != [("multipart-manifest", "put")]):
            # It is not signed: what it asks for somebody else may have added.
            raise BadInput("A container that is sent on brings bytes, and asks for nothing else.")
        row = self._store.containers.find(tx, place.account, place.container)
        key = str(((row.options.get(OPTION) if row is not None else None) or {}).get("key", ""))
        if not is_signed(given, self._realms, method, (call.raw_path, tail), timestamp, key):
            raise _wrong()
        call.grant = Synced(place.account, place.container, key, _time(timestamp))
        return None

    async def older(self, asked: Asked) -> Reply | None:
        """The answer to what is older than what is here; None for anything else. Raises Changed
        for a deletion, as Swift does, and BadInput."""
        grant = asked.call.grant
        if not isinstance(grant, Synced):
            return None
        if "x-static-large-object" in asked.headers:
            raise NotImplementedYet("Manifests are sent as ?multipart-manifest=put.")
        if "x-copy-from" in asked.headers or "extract-archive" in asked.query.names():
            raise BadInput("A container that is sent on brings bytes.")
        if not grant.timestamp:
            raise BadInput("X-Timestamp should be a UNIX timestamp float value; was None")
        place = asked.place

        def newest(tx: Tx) -> str:
            row = self._store.containers.get(tx, place.account, place.container)
            found = self._store.objects.current(tx, row, place.object)
            return "" if found is None else found.timestamp

        if await self._store.database.read(newest) < grant.timestamp:
            return None
        if asked.call.operation.method == "DELETE":
            raise Changed()
        assert asked.call.stream is not None
        async for _ in asked.call.stream:
            pass
        return Reply(202, raw=texts.ACCEPTED, content_type=texts.HTML)


def written(asked: Asked) -> str:
    """When what is sent on was written; empty for what is written now."""
    grant = asked.call.grant
    return grant.timestamp if isinstance(grant, Synced) else ""


def shown(row: ContainerRow) -> dict[str, str]:
    """For the owner."""
    kept = row.options.get(OPTION) or {}
    found = {"X-Container-Sync-To": kept.get("to"), "X-Container-Sync-Key": kept.get("key")}
    return {name: value for name, value in found.items() if value}


def _time(text: str) -> str:
    """Without an offset, which tells writes of one moment apart in Swift; empty for no time."""
    whole, _, part = text.partition("_")[0].partition(".")
    if not whole.isdecimal() or len(whole) > 10 or not (part or "0").isdecimal():
        return ""
    moment = float(f"{whole}.{part or 0}")
    # From a clock that is far ahead all that is written here later would be older.
    return "" if moment > time.time() + AHEAD else of(moment)


def _wrong() -> NeedsLogin:
    return NeedsLogin(
        "X-Container-Sync-Auth header not valid; contact cluster operator for support.",
        headers={"Www-Authenticate": 'SwiftContainerSync realm="unknown"'},
    )
