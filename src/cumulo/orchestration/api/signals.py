"""Signals on the wire: by a user's token, and by an address that is its own proof."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, TooLarge
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.depth import too_deep
from cumulo.orchestration.api.stacks import ONE, finder
from cumulo.orchestration.service.stacks import Stacks
from cumulo.orchestration.service.waits import Signals

MOST_BODY = 128 * 1024


class SignalsApi:
    def __init__(self, stacks: Stacks, signals: Signals, database: Database) -> None:
        self._stacks = stacks
        self._database = database
        self._signals = signals
        self._find = finder(stacks)

    def operations(self) -> list[Operation]:
        return [
            Operation(
                "POST",
                f"{ONE}/resources/{{resource}}/signal",
                self.signal,
                policy="resource:signal",
                body=dict[str, Any] | None,
                body_limit=MOST_BODY,
            )
        ]

    def open_operations(self) -> list[Operation]:
        """A deployment's tools PUT where they take the address for one of a temporary URL. Whatever
        type a body says it has, it is JSON: who sends it by hand does not say so."""
        return [
            *(
                Operation(
                    method,
                    "/signal/{resource_id}/{key}",
                    self.signal_by_key,
                    public=True,
                    kind="stream",
                )
                for method in ("POST", "PUT")
            ),
            Operation("GET", "/metadata/{resource_id}/{key}", self.metadata_by_key, public=True),
        ]

    def metadata_by_key(self, call: Call, tx: Tx) -> Any:
        return self._signals.metadata_by_key(tx, call.path["resource_id"], call.path["key"])

    def signal(self, call: Call, tx: Tx) -> None:
        stack = self._find(call, tx)
        row = self._stacks.resource(tx, stack, call.path["resource"])
        self._signals.signal(tx, stack, row, call.body)

    async def signal_by_key(self, call: Call) -> Reply:
        id, key = call.path["resource_id"], call.path["key"]
        # Who has not the address does not keep others from writing.
        await self._database.read(lambda tx: self._signals.known(tx, id, key))
        too_long = TooLarge(f"A signal has at most {MOST_BODY} bytes.")
        body = _decoded(await call.whole_body(MOST_BODY, too_long))
        await self._database.write(
            lambda tx: self._signals.signal_by_key(tx, id, key, body), name="signal"
        )
        return Reply(200)


def _decoded(raw: bytes) -> dict[str, Any] | None:
    """Raises BadRequest."""
    if not raw.strip():
        return None
    if too_deep(raw) or b"\\u0000" in raw:
        raise BadRequest("A signal is a map, as JSON.")
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("A signal is a map, as JSON.") from None
    if body is not None and not isinstance(body, dict):
        raise BadRequest("A signal is a map, as JSON.")
    return body
