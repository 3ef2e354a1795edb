"""Signed URLs on the wire: a TempURL stands for a key of the account or the container."""

from urllib.parse import quote, unquote_to_bytes

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.asked import VERSION
from cumulo.object_store.model import names, timestamps
from cumulo.object_store.model.faults import BadInput, NeedsLogin
from cumulo.object_store.model.tempurl import TempUrl, expiry, holds
from cumulo.object_store.service.access import Signed
from cumulo.object_store.service.accounts import url_keys
from cumulo.object_store.service.object_store import ObjectStoreService

POINTERS = ("x-object-manifest", "x-symlink-target", "x-copy-from")
"""What would let whoever may write one object read others."""
MANY = ("extract-archive", "multipart-manifest")
"""What makes of one object many, or one of many."""


class SignedUrls:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    def verify(self, tx: Tx, call: Call) -> Principal | None:
        """A face's own way of authentication: it gives a grant, and nobody's name."""
        url = _read(call)
        if url is None:
            return None
        tail = call.raw_path.removeprefix(call.face.mount)
        if not tail.startswith(VERSION):
            return None
        place = names.split(tail.removeprefix(VERSION))
        found = self._grant(tx, call, url, place) if place.object else None
        if found is None:
            raise NeedsLogin("Temp URL invalid")
        if call.operation.method in ("PUT", "POST"):
            for name in POINTERS:
                if call.header(name) is not None:
                    raise BadInput(f"The header {name!r} is not allowed in this tempurl")
        if call.operation.method not in ("GET", "HEAD"):
            for name in MANY:
                if call.query.get(name) is not None:
                    raise BadInput(f"{name!r} is not allowed in this tempurl")
        call.grant = found
        return None

    def _grant(self, tx: Tx, call: Call, url: TempUrl, place: names.Place) -> Signed | None:
        method = call.operation.method
        below = f"{VERSION}{place.account}/{place.container}/"
        paths = (below, call.face.mount + below)

        def fits(keys: list[str]) -> bool:
            return holds(url, method, paths, place.object, call.address, keys)

        if fits(self._store.accounts.keys(tx, place.account)):
            return Signed(place.account)
        container = self._store.containers.find(tx, place.account, place.container)
        if container is not None and fits(url_keys(container.metadata)):
            return Signed(place.account, place.container)
        return None


def _read(call: Call) -> TempUrl | None:
    """None for a URL that is not signed. Raises NeedsLogin for half a signature."""
    query = call.query
    signature, expires = query.get("temp_url_sig"), query.get("temp_url_expires")
    if signature is None and expires is None:
        return None
    if not signature or not expires:
        raise NeedsLogin("Temp URL invalid")
    return TempUrl(signature, expires, query.get("temp_url_prefix"), query.get("temp_url_ip_range"))


def finished(call: Call, reply: Reply) -> Reply:
    """What an answer to a signed URL says besides: how to save it, and until when."""
    if not isinstance(call.grant, Signed) or call.operation.method not in ("GET", "HEAD"):
        return reply
    headers = {
        name: value
        for name, value in reply.headers.items()
        if not name.lower().startswith("x-object-meta-")
        or name.lower().startswith("x-object-meta-public-")
    }
    filename, inline = call.query.get("filename"), call.query.get("inline")
    if inline is not None:
        headers["Content-Disposition"] = "inline" + (_named(filename) if filename else "")
    elif filename:
        headers["Content-Disposition"] = "attachment" + _named(filename)
    elif "Content-Disposition" not in headers:
        path = unquote_to_bytes(call.raw_path).decode("utf-8", "replace").rstrip("/")
        headers["Content-Disposition"] = "attachment" + _named(path.rpartition("/")[2])
    end = expiry(call.query.get("temp_url_expires") or "")
    if end is not None:
        headers["Expires"] = timestamps.http_date(timestamps.of(end))
    reply.headers = headers
    return reply


def _named(filename: str) -> str:
    plain = "".join(each if _is_plain(each) else "_" for each in filename)
    return f"; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isprintable() and character not in '"\\'
