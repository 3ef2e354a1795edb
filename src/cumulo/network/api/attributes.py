"""Attributes of the network API's nouns, as the wire has them: bodies in, fields out.

A noun says which attributes it shows and which Struct its wishes are; what may not be sent, what
is unknown, and which rule of the policy an attribute has, follow from that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import zulu
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.core.http.operations import Call
from cumulo.network.model.standard import Standard
from cumulo.network.policy import RULES
from cumulo.network.service.refusals import unfit

R = TypeVar("R", bound=Row)

SELF = ("project_id", "tenant_id")
"""Whom a resource belongs to: sent only with a create."""


@dataclass(frozen=True, slots=True)
class Noun(Generic[R]):
    """One noun of the API. `verbs` has get, create, update, delete and a listing; `show` makes
    the bodies of many rows with a number of queries that does not depend on how many."""

    name: str
    plural: str
    path: str
    verbs: Any
    show: Callable[[Tx, Sequence[R]], list[dict[str, Any]]]
    shown: frozenset[str]
    wishes: type[msgspec.Struct]
    target: Callable[[Tx, R], dict[str, Any]]
    create_only: frozenset[str] = frozenset()
    wished: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    """What it gets from the attributes that were sent."""
    shared_with: Callable[[Tx, Sequence[R], str | None], set[str]] | None = None
    """The ids of those that a project sees because somebody shares them (or what they are in)."""
    shows_shared: bool = False
    parent: Callable[[Tx, Any], dict[str, Any]] | None = None
    """What the policy's target gets from the parent of a new resource."""
    bulk: bool = True
    tags: bool = True
    updates: bool = True
    read_only: bool = False
    writes_list: bool = False
    filters: Mapping[str, type] = field(default_factory=dict)
    """Of the listing, besides columns: what kind their values are."""
    policy: str = ""
    """Its name in rules, where that is another one."""
    only: frozenset[str] | None = None
    """Those of the wishes that it has; all, where several nouns do not share one Struct."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """What its lists are always filtered by."""
    within: str = ""
    """The column that names what it is a part of, whose id is `{holder}` in the path."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of filters."""
    synonyms: Mapping[str, str] = field(default_factory=dict)
    """Other names of attributes in a request."""

    def rule(self, verb: str) -> str:
        return f"{verb}_{self.policy or self.name}"


class Wrapped(msgspec.Struct):
    """A body's object under the noun's name, or several under its plural. What is inside is
    checked by the noun's own Struct."""

    network: dict[str, Any] | None = None
    networks: list[dict[str, Any]] | None = None
    subnet: dict[str, Any] | None = None
    subnets: list[dict[str, Any]] | None = None
    port: dict[str, Any] | None = None
    ports: list[dict[str, Any]] | None = None
    router: dict[str, Any] | None = None
    routers: list[dict[str, Any]] | None = None
    floatingip: dict[str, Any] | None = None
    floatingips: list[dict[str, Any]] | None = None
    security_group: dict[str, Any] | None = None
    security_groups: list[dict[str, Any]] | None = None
    security_group_rule: dict[str, Any] | None = None
    security_group_rules: list[dict[str, Any]] | None = None
    rbac_policy: dict[str, Any] | None = None
    rbac_policies: list[dict[str, Any]] | None = None
    subnetpool: dict[str, Any] | None = None
    subnetpools: list[dict[str, Any]] | None = None
    address_scope: dict[str, Any] | None = None
    address_scopes: list[dict[str, Any]] | None = None
    address_group: dict[str, Any] | None = None
    address_groups: list[dict[str, Any]] | None = None
    default_security_group_rule: dict[str, Any] | None = None
    default_security_group_rules: list[dict[str, Any]] | None = None
    port_forwarding: dict[str, Any] | None = None
    policy: dict[str, Any] | None = None
    policies: list[dict[str, Any]] | None = None
    bandwidth_limit_rule: dict[str, Any] | None = None
    dscp_marking_rule: dict[str, Any] | None = None
    packet_rate_limit_rule: dict[str, Any] | None = None
    minimum_bandwidth_rule: dict[str, Any] | None = None
    trunk: dict[str, Any] | None = None
    trunks: list[dict[str, Any]] | None = None
    quota: dict[str, Any] | None = None
    agent: dict[str, Any] | None = None


def standard_body(row: Standard) -> dict[str, Any]:
    """The attributes that all nouns have."""
    return {
        "id": row.id,
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "description": row.description,
        "tags": row.tags,
        "created_at": zulu(row.created_at),
        "updated_at": zulu(row.updated_at),
        "revision_number": row.revision_number,
    }


STANDARD = frozenset(
    {
        "id",
        "project_id",
        "tenant_id",
        "description",
        "tags",
        "created_at",
        "updated_at",
        "revision_number",
    }
)


def renamed(noun: Noun[Any], sent: dict[str, Any]) -> dict[str, Any]:
    """What was sent, by the first names of its attributes."""
    return {noun.synonyms.get(name, name): value for name, value in sent.items()}


def read(noun: Noun[Any], sent: Mapping[str, Any], verb: str) -> Any:
    """The wishes in a body. Raises BadRequest for what is unknown, not to be sent, or unfit."""
    known = noun.only or frozenset(noun.wishes.__struct_encode_fields__)
    fixed = _encoded(noun.wishes, noun.create_only) if verb == "update" else frozenset()
    if b"\\u0000" in msgspec.json.encode(sent):
        # No text of the database may hold it.
        raise BadRequest("A null character is no part of any value.", kind="HTTPBadRequest")
    unknown = [name for name in sent if name not in known | noun.shown | frozenset(SELF)]
    if unknown:
        listed = ", ".join(repr(name) for name in sorted(unknown))
        raise BadRequest(f"Unrecognized attribute(s) {listed}", kind="HTTPBadRequest")
    for name in sent:
        if verb == "update" and (name not in known or name in fixed):
            raise BadRequest(f"Cannot update read-only attribute {name}", kind="HTTPBadRequest")
        if verb == "create" and name not in known and name not in SELF:
            raise BadRequest(f"Attribute '{name}' not allowed in POST", kind="HTTPBadRequest")
    try:
        return msgspec.convert(
            {name: value for name, value in sent.items() if name in known},
            noun.wishes,
            strict=False,
        )
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        name = place.rstrip("`").partition("[")[0].partition(".")[0]
        value = sent.get(name)
        raise unfit(name or noun.name, f"'{str(value)[:200]}' is no valid value: {what}") from None


def _encoded(wishes: type[msgspec.Struct], names: Iterable[str]) -> frozenset[str]:
    pairs = zip(wishes.__struct_fields__, wishes.__struct_encode_fields__, strict=True)
    wire = dict(pairs)
    return frozenset(wire[name] for name in names)


def owner_of(call: Call, sent: Mapping[str, Any]) -> str:
    """The project of a new resource: the caller's, or for administrators another."""
    for name in SELF:
        value = sent.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= 255):
            raise unfit(name, f"'{str(value)[:200]}' is not a valid string")
    named = {sent[name] for name in SELF if sent.get(name) is not None}
    if len(named) > 1:
        raise BadRequest(
            "'project_id' and 'tenant_id' have been specified with different values",
            kind="HTTPBadRequest",
        )
    wanted = next(iter(named), None)
    if not wanted or wanted == call.principal.project_id:
        return call.project_id
    if not call.allowed("context_is_admin", {}):
        raise BadRequest(
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in "
            "request requires admin privileges",
            kind="HTTPBadRequest",
        )
    return str(wanted)


def check_attributes(
    call: Call, noun: Noun[Any], verb: str, sent: Mapping[str, Any], target: Mapping[str, Any]
) -> None:
    """Raises Forbidden for an attribute whose own rule the caller does not meet."""
    for name, value in sent.items():
        if value is None and verb == "create":
            continue
        _check(call, f"{noun.rule(verb)}:{name}", target)
        if isinstance(value, dict):
            for inner in value:
                _check(call, f"{noun.rule(verb)}:{name}:{inner}", target)


def _check(call: Call, action: str, target: Mapping[str, Any]) -> None:
    if action in RULES and not call.allowed(action, target):
        raise Forbidden(f"rule:{action} is disallowed by policy")


def _hidden(noun: str) -> list[tuple[str, str]]:
    start = f"get_{noun}:"
    return [(name, name.removeprefix(start)) for name in RULES if name.startswith(start)]


HIDDEN = {noun: _hidden(noun) for noun in ("network", "port", "router")}


def present(call: Call, noun: Noun[R], tx: Tx, rows: Sequence[R]) -> list[dict[str, Any]]:
    """Bodies of rows as this caller may see them, cut down to the `fields` asked for."""
    bodies = noun.show(tx, rows) if rows else []
    if noun.shows_shared and noun.shared_with and rows:
        shared = noun.shared_with(tx, rows, call.principal.project_id)
        for body in bodies:
            body["shared"] = body["id"] in shared
    secret = HIDDEN.get(noun.name, ())
    if secret and not call.allowed("context_is_admin", {}):
        known: dict[str, list[str]] = {}
        for body in bodies:
            project_id = body["project_id"]
            hidden = known.get(project_id)
            if hidden is None:
                target = {"project_id": project_id}
                hidden = [name for action, name in secret if not call.allowed(action, target)]
                known[project_id] = hidden
            for name in hidden:
                body.pop(name, None)
    wanted = set(call.query.all("fields")) if call.operation.method == "GET" else set()
    wanted.discard("")
    if wanted:
        bodies = [{k: v for k, v in body.items() if k in wanted} for body in bodies]
    return bodies


def admin_or_self(call: Call) -> Principal | None:
    """The caller for the verbs' visibility: None when the policy makes them an administrator."""
    return None if call.allowed("context_is_admin", {}) else call.principal
