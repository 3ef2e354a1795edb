"""The operations that every noun has: index, show, create (one or several), update, delete."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import whole_or_none
from cumulo.network.api.attributes import (
    Noun,
    Wrapped,
    admin_or_self,
    check_attributes,
    owner_of,
    present,
    read,
    renamed,
)
from cumulo.network.api.lists import list_of
from cumulo.network.service.refusals import PreconditionFailed, not_found

MOST_AT_ONCE = 500


class Collection:
    def __init__(self, noun: Noun[Any]) -> None:
        self.noun = noun

    def operations(self) -> list[Operation]:
        noun = self.noun
        many = f"/v2.0/{noun.path}"
        one = f"{many}/{{id}}"
        listed = Operation(
            "GET",
            many,
            self.index,
            policy=noun.rule("get"),
            early=False,
            writes=noun.writes_list or None,
        )
        if noun.read_only:
            return [listed, self._one("GET", one, self.show, "get")]
        made = [
            listed,
            self._one("POST", many, self.create, "create", body=Wrapped, status=201),
            self._one("GET", one, self.show, "get"),
            self._one("DELETE", one, self.delete, "delete", status=204),
        ]
        if noun.updates:
            made.append(self._one("PUT", one, self.update, "update", body=Wrapped))
        return made

    def _one(self, method: str, path: str, handler: Any, verb: str, **more: Any) -> Operation:
        policy = self.noun.rule(verb)
        return Operation(method, path, handler, policy=policy, early=False, **more)

    def index(self, call: Call, tx: Tx) -> Any:
        own = {"project_id": call.principal.project_id}
        if self.noun.read_only and not call.allowed(self.noun.rule("get"), own):
            return {self.noun.plural: []}
        return list_of(call, tx, self.noun)

    def find(self, call: Call, tx: Tx, action: str | None = None, id: str | None = None) -> Any:
        """The row that the path names. Who may not do the action (the operation's by default) is
        told 403 of what is their own and they see, and 404 of anything else."""
        noun = self.noun
        id = id or call.path["id"]
        row = noun.verbs.get(tx, id, admin_or_self(call))
        target = self._target(call, tx, row)
        action = action or call.operation.policy
        assert action is not None
        if not call.allowed(action, target):
            own = target.get("project_id") == call.principal.project_id
            if not own or not call.allowed(noun.rule("get"), target):
                # What is shared to somebody is not there for who would change it (Neutron).
                raise not_found(noun.name, id)
            raise Forbidden(f"rule:{action} is disallowed by policy")
        return row

    def _target(self, call: Call, tx: Tx, row: Any) -> dict[str, Any]:
        noun = self.noun
        target = noun.target(tx, row)
        if noun.shared_with is not None:
            target["shared"] = row.id in noun.shared_with(tx, [row], call.principal.project_id)
        return target

    def show(self, call: Call, tx: Tx) -> Any:
        return {self.noun.name: present(call, self.noun, tx, [self.find(call, tx)])[0]}

    def create(self, call: Call, tx: Tx) -> Any:
        noun = self.noun
        one = getattr(call.body, noun.name)
        if one is not None:
            return {noun.name: present(call, noun, tx, [self._create(call, tx, one)])[0]}
        several = getattr(call.body, noun.plural, None)
        if not several or not noun.bulk:
            raise BadRequest(f"Unable to find '{noun.name}' in request body", kind="HTTPBadRequest")
        if len(several) > MOST_AT_ONCE:
            raise BadRequest(f"More than {MOST_AT_ONCE} at once.", kind="HTTPBadRequest")
        rows = [self._create(call, tx, _unwrapped(noun.name, each)) for each in several]
        # Later ones of the same request may have changed earlier ones.
        rows = [tx.get(type(row), row.id) for row in rows]
        return {noun.plural: present(call, noun, tx, rows)}

    def _create(self, call: Call, tx: Tx, sent: dict[str, Any]) -> Any:
        noun = self.noun
        sent = renamed(noun, sent)
        wishes = read(noun, sent, "create")
        project_id = owner_of(call, sent)
        target = {"project_id": project_id, "tenant_id": project_id}
        if noun.parent is not None:
            target |= noun.parent(tx, wishes, call.principal.project_id)
        if noun.wished is not None:
            target |= noun.wished(sent)
        if not call.allowed(noun.rule("create"), target):
            self._refuse_create(call, tx, wishes)
        check_attributes(call, noun, "create", sent, target)
        return self._make(call, tx, wishes, project_id)

    def _make(self, call: Call, tx: Tx, wishes: Any, project_id: str) -> Any:
        return self.noun.verbs.create(tx, wishes, admin_or_self(call), project_id)

    def _refuse_create(self, call: Call, tx: Tx, wishes: Any) -> None:
        """403, or 404 when the parent is not even to be seen."""
        network_id = getattr(wishes, "network_id", None)
        if isinstance(network_id, str) and self.noun.parent is not None:
            seen = self.noun.parent(tx, wishes, call.principal.project_id)
            visible = (
                seen.get("network:project_id") == call.principal.project_id
                or seen.get("shared") is True
                or seen.get("router:external") is True
            )
            if not visible:
                raise not_found("network", network_id)
        raise Forbidden(f"rule:{self.noun.rule('create')} is disallowed by policy")

    def update(self, call: Call, tx: Tx) -> Any:
        noun = self.noun
        sent = getattr(call.body, noun.name)
        if sent is None:
            raise BadRequest(f"Unable to find '{noun.name}' in request body", kind="HTTPBadRequest")
        sent = renamed(noun, sent)
        wishes = read(noun, sent, "update")
        row = self.find(call, tx)
        _refuse_other_revision(call, row)
        target = self._target(call, tx, row)
        if noun.wished is not None:
            target |= noun.wished(sent)
        check_attributes(call, noun, "update", sent, target)
        row = noun.verbs.update(tx, row, wishes, admin_or_self(call))
        return {noun.name: present(call, noun, tx, [row])[0]}

    def delete(self, call: Call, tx: Tx) -> None:
        row = self.find(call, tx)
        _refuse_other_revision(call, row)
        self.noun.verbs.delete(tx, row, admin_or_self(call))


def _unwrapped(name: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Each of several may be under its name once more."""
    inner = sent.get(name) if len(sent) == 1 else None
    return inner if isinstance(inner, dict) else sent


def _refuse_other_revision(call: Call, row: Any) -> None:
    """`If-Match: revision_number=N`: only while nobody else has changed it."""
    given = call.header("If-Match")
    if given is None:
        return
    name, _, text = given.strip().strip('"').partition("=")
    number = whole_or_none(text.strip())
    if name.strip() != "revision_number" or number is None:
        raise BadRequest(
            f"Invalid input for If-Match. Reason: '{given:.80}' is not revision_number=N.",
            kind="HTTPBadRequest",
        )
    if number != getattr(row, "revision_number", number):
        raise PreconditionFailed(
            f"Constrained to {number}, but current revision is {row.revision_number}",
            kind="RevisionNumberConstraintFailed",
        )


class Within(Collection):
    """Parts of another noun's resources: their paths begin with it, and whoever may not see it
    sees none of them."""

    def __init__(self, noun: Noun[Any], holders: Collection) -> None:
        super().__init__(noun)
        self._holders = holders

    def _holder(self, call: Call, tx: Tx) -> Any:
        action = self._holders.noun.rule("get")
        return self._holders.find(call, tx, action, call.path["holder"])

    def index(self, call: Call, tx: Tx) -> Any:
        holder = self._holder(call, tx)
        within = {self.noun.within: [holder.id], **self.noun.fixed}
        return list_of(call, tx, self.noun, within)

    def find(self, call: Call, tx: Tx, action: str | None = None, id: str | None = None) -> Any:
        holder = self._holder(call, tx)
        row = super().find(call, tx, action, id)
        if getattr(row, self.noun.within) != holder.id:
            raise not_found(self.noun.name, row.id)
        return row

    def _make(self, call: Call, tx: Tx, wishes: Any, project_id: str) -> Any:
        holder = self._holder(call, tx)
        target = self._holders.noun.target(tx, holder)
        if not call.allowed(self.noun.rule("create"), target):
            raise Forbidden(f"rule:{self.noun.rule('create')} is disallowed by policy")
        return self.noun.verbs.create(tx, wishes, admin_or_self(call), project_id, holder)
