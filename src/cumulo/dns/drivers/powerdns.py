"""A PowerDNS with native zones, written by its HTTP API: each change is one request with the sets
that differ, and is answered at once.

Zones of the cloud's are marked by their `account` there. Others are not touched: a member of a
project may make a zone of any name here, and what an operator had there before is not his.
"""

import http.client
import ssl
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cumulo.core.work import pools
from cumulo.dns import rdata
from cumulo.dns.drivers.serial import caught_up, serial_of, split
from cumulo.dns.model.pool import PoolZone, TargetAway, TargetRefused

CONNECT_SECONDS = 5.0
SECONDS = 20.0
MOST_BYTES = 64 * 1024 * 1024

Sets = dict[tuple[str, str], tuple[int, frozenset[str]]]


class PowerDns:
    """`ca_file`: who has signed its certificate, in PEM; empty: one of those that this machine
    trusts. Raises ValueError for an address or a URL that is none."""

    whole = True

    def __init__(self, address: str, url: str, api_key: str, ca_file: str = "") -> None:
        self.identity = f"pdns4 {address} {url}"
        self._address = split(address)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url: {url!r} is no URL of HTTP")
        self._host, self._port = parts.hostname, parts.port
        self._secure = parts.scheme == "https"
        self._ca_file = ca_file or None
        self._path = f"{parts.path.rstrip('/')}/api/v1/servers/localhost/zones"
        self._headers = {"X-API-Key": api_key, "Content-Type": "application/json"}

    async def ensure(self, zone: PoolZone) -> None:
        await pools.STRANGERS(self._ensure, zone)
        await caught_up(zone.name, zone.serial, self._address)

    async def remove(self, zone: PoolZone) -> None:
        await pools.STRANGERS(self._remove, zone)

    async def serial(self, name: str) -> int | None:
        return await serial_of(name, self._address)

    # --- in a thread ------------------------------------------------------------------------

    def _remove(self, zone: PoolZone) -> None:
        status, found = self._ask("GET", f"/{zone.name}?rrsets=false", None, (404, 422))
        if status == 200 and found.get("account", "") == zone.owner:
            self._ask("DELETE", f"/{zone.name}", None, (404, 422))

    def _ensure(self, zone: PoolZone) -> None:
        status, found = self._ask("GET", f"/{zone.name}", None, (404, 422))
        if status != 200:
            # Its serial number is ours: it must not count by itself.
            made = {"name": zone.name, "kind": "Native", "nameservers": [], "soa_edit_api": ""}
            self._ask("POST", "", {**made, "account": zone.owner})
            found = {}
        elif zone.known and not found.get("account") and zone.server in _servers(found):
            self._ask("PUT", f"/{zone.name}", {"account": zone.owner})
        elif found.get("account", "") != zone.owner:
            raise TargetRefused(
                f"{self._host}:{self._port} has a zone {zone.name} already, of the account "
                f"{found.get('account', '')!r:.100}; this cloud's are of {zone.owner!r}"
            )
        wanted = {
            (name, kind): (ttl, frozenset(_theirs(kind, text) for text in texts))
            for name, kind, ttl, texts in zone.sets
        }
        changes = _changes(_sets(found), wanted)
        if changes:
            self._ask("PATCH", f"/{zone.name}", {"rrsets": changes})

    def _connection(self) -> http.client.HTTPConnection:
        """The file is read anew for each: certificates live for weeks, and this process longer.
        Raises TargetRefused."""
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        try:
            trusted = ssl.create_default_context(cafile=self._ca_file)
        except (OSError, ssl.SSLError) as error:
            raise TargetRefused(f"ca_file {self._ca_file}: {error}") from None
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=CONNECT_SECONDS, context=trusted
        )

    def _ask(
        self, method: str, path: str, body: Any = None, fine: tuple[int, ...] = ()
    ) -> tuple[int, Any]:
        connection = self._connection()
        where = f"{self._host}:{connection.port}"
        try:
            content = None if body is None else msgspec.json.encode(body)
            connection.connect()
            connection.sock.settimeout(SECONDS)
            connection.request(method, self._path + path, content, self._headers)
            answer = connection.getresponse()
            raw = answer.read(MOST_BYTES)
        except ssl.SSLCertVerificationError as error:
            raise TargetRefused(f"{where}: its certificate is not trusted: {error}") from None
        except (OSError, http.client.HTTPException) as error:
            raise TargetAway(f"{where} does not answer: {error!r}") from None
        finally:
            connection.close()
        if answer.status >= 500:
            raise TargetAway(f"{where}: {answer.status} {raw[:500].decode(errors='replace')}")
        if answer.status >= 400 and answer.status not in fine:
            text = raw[:500].decode(errors="replace")
            raise TargetRefused(f"{where}: {method} {path}: {answer.status} {text}")
        if answer.status != 200 or not raw:
            return answer.status, {}
        try:
            return answer.status, msgspec.json.decode(raw)
        except msgspec.DecodeError:
            raise TargetRefused(f"{where} answers no JSON") from None


def _theirs(kind: str, text: str) -> str:
    """A record as PowerDNS writes it, so that equal ones are seen to be equal. What a master sends
    may be of types that the API does not take: that is left as it is."""
    try:
        return rdata.to_text(kind, rdata.parsed(kind, text).to_wire() or b"")
    except rdata.BadRecord:
        return text


def _sets(found: Any) -> Sets:
    return {
        (each["name"].lower(), each["type"]): (
            each["ttl"],
            frozenset(record["content"] for record in each["records"]),
        )
        for each in found.get("rrsets", ())
    }


def _servers(found: Any) -> set[str]:
    """The first one that the SOA there names."""
    return {
        content.partition(" ")[0].lower()
        for (_, kind), (_, contents) in _sets(found).items()
        if kind == "SOA"
        for content in contents
    }


def _changes(known: Sets, wanted: Sets) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = [
        {"name": name, "type": kind, "changetype": "DELETE"}
        for name, kind in known
        if (name, kind) not in wanted
    ]
    for (name, kind), (ttl, contents) in wanted.items():
        if known.get((name, kind)) != (ttl, contents):
            records = [{"content": each, "disabled": False} for each in sorted(contents)]
            changes.append(
                {
                    "name": name,
                    "type": kind,
                    "ttl": ttl,
                    "changetype": "REPLACE",
                    "records": records,
                }
            )
    return changes
