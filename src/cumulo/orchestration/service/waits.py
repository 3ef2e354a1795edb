"""Waiting for somebody's word: wait conditions, their handles, and what can be signalled.

Whoever has a handle's address can signal it, and nothing else: it holds a secret of the resource's
own, which goes with it. Users of the project signal by the resource's name, with their token.
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.resource_types import READY, State, number, text
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.signal import SignalRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.queries import signal as queries
from cumulo.orchestration.service.guests import Server
from cumulo.orchestration.service.handlers import Seal, Work
from cumulo.orchestration.service.own_types import Own
from cumulo.orchestration.service.stacks import Stacks

HANDLE, CONDITION = "OS::Heat::WaitConditionHandle", "OS::Heat::WaitCondition"
OTHERS = ("AWS::CloudFormation::WaitCondition", "OS::Heat::SwiftSignal")
"""Conditions of other names."""

MOST_SIGNALS = 1000
IDLE_SECONDS = 60.0
MOST_BYTES = 16 * 1024
"""Of one signal's data."""
MOST_SECONDS = 43_200
TRANSPORTS = ("TOKEN_SIGNAL", "NO_SIGNAL")


class Signalled(Own):
    """A type that can be signalled, at an address of its own."""

    until_the_end = False
    """Also while it goes."""

    def __init__(self, seal: Seal, endpoint: str) -> None:
        self._seal = seal
        self._endpoint = endpoint

    def create(self, work: Work) -> str | None:
        work.store(signal_key=self._seal.encrypt(secrets.token_urlsafe(32)))
        return work.place.name

    def adopt(self, work: Work, data: Mapping[str, Any]) -> str | None:
        """The address is this cloud's own: a new one."""
        work.store(signal_key=self._seal.encrypt(secrets.token_urlsafe(32)))
        return data.get("resource_id") or work.place.name

    def url(self, work: Work) -> str | None:
        sealed = work.row.stored.get("signal_key")
        if sealed is None:
            return None
        return f"{self._endpoint}/signal/{work.row.id}/{self._seal.decrypt(sealed)}"

    def knows(self, row: ResourceRow, key: str) -> bool:
        sealed = row.stored.get("signal_key")
        if sealed is None:
            return False
        return hmac.compare_digest(self._seal.decrypt(sealed).encode(), key.encode())

    def signal(self, work: Work, details: Mapping[str, Any]) -> str:
        """Take a signal; what its event says. Raises BadRequest."""
        raise BadRequest(f"Signal resource {work.row.name}: it takes none")


class WaitHandle(Signalled):
    """`OS::Heat::WaitConditionHandle`: where signals are sent to."""

    description = "Resource for managing instance signals."
    properties = {
        "signal_transport": text(
            "How it is signalled: by the address in `curl_cli`, or not at all.",
            default="TOKEN_SIGNAL",
            constraints=[{"allowed_values": list(TRANSPORTS)}],
        )
    }
    attributes: Mapping[str, str] = {
        "token": "The secret in the address.",
        "endpoint": "The address to POST a signal to.",
        "curl_cli": "The beginning of a command that signals: --data-binary and the signal follow.",
        "signal": "What is needed for signalling, as JSON.",
    }

    def attribute(self, work: Work, name: str) -> Any:
        if name not in self.attributes:
            raise KeyError(name)
        url = self.url(work)
        if url is None or work.row.properties.get("signal_transport") == "NO_SIGNAL":
            return None
        if name == "endpoint":
            return url
        if name == "token":
            return url.rpartition("/")[2]
        if name == "signal":
            return json.dumps({"alarm_url": url})
        return (
            "curl -i -X POST -H 'Content-Type: application/json' "
            f"-H 'Accept: application/json' {url}"
        )

    def signal(self, work: Work, details: Mapping[str, Any]) -> str:
        unknown = set(details) - {"status", "reason", "data", "id"}
        status = str(details.get("status") or "SUCCESS")
        if unknown or status not in ("SUCCESS", "FAILURE"):
            raise BadRequest(
                "A signal has status (SUCCESS or FAILURE), and perhaps reason, data and id."
            )
        tx, id = work.tx, work.row.id
        count = int(tx.value(queries.COUNT, resource=id))
        name = str(details.get("id") if details.get("id") is not None else count + 1)[:255]
        before = tx.get(SignalRow, id, name)
        if before is None and count >= MOST_SIGNALS:
            raise BadRequest(f"A handle takes {MOST_SIGNALS} signals.")
        data = details.get("data")
        if len(msgspec.json.encode(data)) > MOST_BYTES:
            raise BadRequest(f"The data of a signal has at most {MOST_BYTES} bytes.")
        reason = str(details.get("reason") or f"Signal {count + 1} received")[:1000]
        if before is not None:
            tx.delete(before)
        tx.insert(SignalRow(id, name, status, reason, {"value": data}, tx.now))
        for kind in (CONDITION, *OTHERS):
            tx.run(resources.WAKE_KIND, stack=work.stack.id, kind=kind, now=tx.now)
        tx.after_commit(lambda: work.engine.ring(0.0))
        return f"status:{status} reason:{reason}"


class WaitCondition(Own):
    """`OS::Heat::WaitCondition`: done when its handle has been signalled often enough."""

    description = "Resource for handling signals received by WaitConditionHandle."
    properties = {
        "handle": text("The wait condition handle.", required=True),
        "timeout": number(
            "The number of seconds to wait for the signals.",
            required=True,
            constraints=[{"range": {"min": 1, "max": MOST_SECONDS}}],
        ),
        "count": number(
            "The number of success signals that must be received.",
            default=1,
            update=True,
            constraints=[{"range": {"min": 1, "max": MOST_SIGNALS}}],
        ),
    }
    attributes = {"data": "JSON text of the signals' data by their ids."}

    def create(self, work: Work) -> str | None:
        reference = self.given(work.properties)["handle"]
        handle = self._handle(work, reference)
        if handle is None:
            raise BadRequest(f"{reference} is not a valid wait condition handle.")
        if work.row.replaces is not None:
            # The one before has failed: what it was told does not count for this one.
            work.tx.run(queries.FORGET_FAILED, resource=handle.id)
        self._begin(work)
        return work.place.name

    def adopt(self, work: Work, data: Mapping[str, Any]) -> str | None:
        """What it waited for was told where it came from."""
        work.store(over=True)
        return data.get("resource_id") or work.place.name

    def update(self, work: Work, changed: Mapping[str, Any]) -> bool:
        self._begin(work)
        return True

    def mend(self, work: Work) -> None:
        self._begin(work)

    def _begin(self, work: Work) -> None:
        seconds = float(self.given(work.properties)["timeout"])
        work.store(until=seconds_of(work.tx.now) + seconds, over=False)

    def _handle(self, work: Work, reference: Any) -> ResourceRow | None:
        found = work.tx.all(resources.WITH_PHYSICAL, physical=str(reference), stack=work.stack.id)
        return next((row for row in found if row.kind == HANDLE), None)

    def given(self, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        """handle, timeout and count, whatever the type calls them."""
        return properties

    def state(self, work: Work) -> State:
        if work.row.stored.get("over"):
            # It has waited for what it was to wait for: what comes later is not about that.
            return READY
        given = self.given(work.row.properties)
        handle = self._handle(work, given["handle"])
        if handle is None:
            return State("failed", f"{given['handle']} is not there")
        if handle.properties.get("signal_transport") == "NO_SIGNAL":
            return READY
        told = work.tx.all(queries.OF_RESOURCE, resource=handle.id)
        failed = [each.reason for each in told if each.status != "SUCCESS"]
        if failed:
            return State("failed", f"WaitConditionFailure: {';'.join(failed)[:1000]}")
        if len(told) >= given["count"]:
            work.store(over=True)
            return READY
        until = float(work.row.stored.get("until", 0))
        if until <= seconds_of(work.tx.now):
            return State(
                "failed", f"WaitConditionTimeout: {len(told)} of {given['count']} received"
            )
        return State("working", until=until)

    def attribute(self, work: Work, name: str) -> Any:
        if name not in self.attributes:
            raise KeyError(name)
        handle = self._handle(work, self.given(work.row.properties).get("handle"))
        told = () if handle is None else work.tx.all(queries.OF_RESOURCE, resource=handle.id)
        return json.dumps({each.name: each.data["value"] for each in told})


class Signals:
    """The verb: signal a resource."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._engine = stacks.engine

    def signal(self, tx: Tx, stack: StackRow, row: ResourceRow, body: Any) -> None:
        """As a user of the project. Raises BadRequest."""
        details = {} if body is None else body
        if not isinstance(details, dict):
            raise BadRequest("A signal is a map.")
        hook = details.get("unset_hook")
        if hook is not None:
            self._unset(tx, stack, row, hook)
            return
        handler = self._engine.types.handler(row.kind)
        if not isinstance(handler, Signalled):
            raise BadRequest(f"Resource type {row.type} does not support signaling resource")
        leaving = row.goal == "absent" and not handler.until_the_end
        if row.physical_id is None or leaving or stack.deleted_at is not None:
            raise BadRequest(f"Cannot signal resource during {stack.word}")
        principal = self._engine.principal_or_none(tx, stack)
        if principal is None:
            raise BadRequest("The stack's owner has no role in its project any more.")
        work = Work(tx, self._engine, stack, row, principal, row.properties)
        try:
            said = handler.signal(work, details)
        except Invalid as problem:
            raise BadRequest(str(problem)) from None
        if said.startswith("no action") and not self._is_news(work):
            return
        told = msgspec.structs.replace(work.row, action="SIGNAL", status="COMPLETE")
        self._engine.story.of_resource(tx, stack, told, f"Signal: {said}")

    @staticmethod
    def _is_news(work: Work) -> bool:
        """That nothing was done is told once a minute: anybody with the address can send signals,
        and each event is kept."""
        now = seconds_of(work.tx.now)
        if now - float(work.row.stored.get("idle", 0)) < IDLE_SECONDS:
            return False
        work.store(idle=now)
        return True

    def known(self, tx: Tx, resource_id: str, key: str) -> tuple[StackRow, ResourceRow]:
        """Whose address that is. Raises NotFound."""
        row = tx.get(ResourceRow, resource_id)
        stack = None if row is None else tx.get(StackRow, row.stack_id)
        handler = None if row is None else self._engine.types.handler(row.kind)
        known = row is not None and isinstance(handler, Signalled) and handler.knows(row, key)
        if row is None or stack is None or not known:
            raise NotFound("The resource could not be found.")
        return stack, row

    def signal_by_key(self, tx: Tx, resource_id: str, key: str, body: Any) -> None:
        """As whoever has the address. Raises NotFound and BadRequest."""
        stack, row = self.known(tx, resource_id, key)
        given = {n: v for n, v in body.items() if n != "unset_hook"} if body else {}
        self.signal(tx, stack, row, given)

    def metadata_by_key(self, tx: Tx, resource_id: str, key: str) -> dict[str, Any]:
        """As a server that has the address. Raises NotFound."""
        row = tx.get(ResourceRow, resource_id)
        stack = None if row is None else tx.get(StackRow, row.stack_id)
        handler = None if row is None else self._engine.types.handler(row.kind)
        if row is None or stack is None or not isinstance(handler, Server):
            raise NotFound("The resource could not be found.")
        if not handler.knows(row, key):
            raise NotFound("The resource could not be found.")
        return self._stacks.metadata(tx, stack, row)

    def _unset(self, tx: Tx, stack: StackRow, row: ResourceRow, hook: Any) -> None:
        waiting = tx.all(resources.HOOKED, stack=stack.id)
        found = next((one for one in waiting if one.name == row.name and one.hook == hook), None)
        if found is None:
            raise BadRequest(
                f'The "{str(hook)[:100]}" hook is not defined on resource "{row.name}"'
            )
        row = found
        cleared = {**row.stored.get("cleared", {}), row.hook: stack.traversal}
        row = tx.update(row, hook="", due=tx.now, stored={**row.stored, "cleared": cleared})
        self._engine.story.of_resource(tx, stack, row, f"Hook {hook} is cleared")
        tx.after_commit(lambda: self._engine.ring(0.0))
