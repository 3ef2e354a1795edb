"""Requests of other sites' scripts to buckets (CORS): the bucket's rules say which may see what.

A preflight has no signature of its own; a presigned URL's names the key, and so the account.
"""

from collections.abc import Mapping
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault, Unauthorized
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3.asked import Asked
from cumulo.object_store.api.s3.documents import Handler
from cumulo.object_store.api.s3.lists import Read
from cumulo.object_store.api.s3.settings import kept_in
from cumulo.object_store.api.s3.signing import Signing
from cumulo.object_store.model import names
from cumulo.object_store.model.account import account_of
from cumulo.object_store.model.faults import Denied, StoreFault
from cumulo.object_store.service.object_store import ObjectStoreService

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


class Sites:
    def __init__(
        self, store: ObjectStoreService, read: Read, signing: Signing, *, names_project: bool
    ) -> None:
        """`names_project`: the path says whose a bucket is, signed or not."""
        self._names_project = names_project
        self._store = store
        self._read = read
        self._signing = signing

    async def preflight(self, call: Call) -> Reply:
        origin = call.header("Origin")
        method = call.header("Access-Control-Request-Method")
        if not origin or not method:
            raise Denied("Insufficient information. Origin request header needed.")
        asked = (call.header("Access-Control-Request-Headers") or "").lower()
        headers = [each.strip() for each in asked.split(",") if each.strip()]
        rules = await self._store.database.read(lambda tx: self._rules_of_key(tx, call))
        rule = _matching(rules, origin, method, headers)
        if rule is None:
            raise Denied("CORSResponse: This CORS request is not allowed.")
        found = _allowed(rule, origin)
        if headers:
            found["Access-Control-Allow-Headers"] = ", ".join(headers)
        if rule["age"] is not None:
            found["Access-Control-Max-Age"] = str(rule["age"])
        return Reply(200, headers=found, raw=b"")

    def _rules_of_key(self, tx: Tx, call: Call) -> list[dict[str, Any]]:
        path = names.decoded(call.raw_path.removeprefix(call.face.mount).removeprefix("/"))
        if self._names_project:
            project, _, path = path.partition("/")
            bucket = path.partition("/")[0]
        else:
            bucket = self._signing.bucket_of(call.header("Host") or "") or path.partition("/")[0]
            project = self._project(tx, call)
        if not project:
            return []
        row = self._store.containers.find(tx, account_of(project), bucket)
        return [] if row is None else kept_in(row, "cors") or []

    def _project(self, tx: Tx, call: Call) -> str:
        """Of the key that a request names. Raises Denied."""
        try:
            return self._signing.whose(tx, call).project_id or ""
        except (Unauthorized, StoreFault):
            raise Denied() from None

    def told(self, handler: Handler) -> Handler:
        """A handler whose answers, refusals among them, say which sites may see them."""

        async def run(call: Call) -> Reply:
            origin = call.header("Origin")
            try:
                reply = await handler(call)
            except Fault as fault:
                if origin:
                    fault.headers |= await self._told(call, origin)
                raise
            if origin:
                reply.headers = {**reply.headers, **await self._told(call, origin)}
            return reply

        return run

    async def _told(self, call: Call, origin: str) -> dict[str, str]:
        try:
            asked: Asked = self._read(call)
        except Fault:
            return {}
        row = await self._store.database.read(
            lambda tx: self._store.containers.find(tx, asked.access.account, asked.bucket)
        )
        rules = [] if row is None else kept_in(row, "cors") or []
        rule = _matching(rules, origin, call.operation.method, [])
        return {} if rule is None else _allowed(rule, origin)


def _matching(
    rules: list[dict[str, Any]], origin: str, method: str, headers: list[str]
) -> dict[str, Any] | None:
    for rule in rules:
        if method not in rule["methods"]:
            continue
        if not any(_fits(origin, each) for each in rule["origins"]):
            continue
        patterns = [each.lower() for each in rule["headers"]]
        if all(any(_fits(name, each) for each in patterns) for name in headers):
            return rule
    return None


def _fits(value: str, pattern: str) -> bool:
    """With one `*` at the most."""
    before, star, behind = pattern.partition("*")
    if not star:
        return value == pattern
    long_enough = len(value) >= len(before) + len(behind)
    return long_enough and value.startswith(before) and value.endswith(behind)


def _allowed(rule: Mapping[str, Any], origin: str) -> dict[str, str]:
    everybody = "*" in rule["origins"]
    found = {
        "Access-Control-Allow-Origin": "*" if everybody else origin,
        "Access-Control-Allow-Methods": ", ".join(rule["methods"]),
        "Vary": VARY,
    }
    if not everybody:
        found["Access-Control-Allow-Credentials"] = "true"
    if rule["expose"]:
        found["Access-Control-Expose-Headers"] = ", ".join(rule["expose"])
    return found
