"""Signals on the wire: by a user's token, and by an address that is its own proof."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.orchestration.api.stacks import ONE, finder
from cumulo.orchestration.service.stacks import Stacks
from cumulo.orchestration.service.waits import Signals

MOST_BODY = 128 * 1024


class SignalsApi:
    def __init__(self, stacks: Stacks, signals: Signals) -> None:
        self._stacks = stacks
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
        """A deployment's tools PUT where they take the address for one of a temporary URL."""
        return [
            *(
                Operation(
                    method,
                    "/signal/{resource_id}/{key}",
                    self.signal_by_key,
                    public=True,
                    body=dict[str, Any] | None,
                    body_limit=MOST_BODY,
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

    def signal_by_key(self, call: Call, tx: Tx) -> None:
        self._signals.signal_by_key(tx, call.path["resource_id"], call.path["key"], call.body)
