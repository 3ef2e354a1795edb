"""Giving roles on the wire: identity API v3, `…/users|groups/{id}/roles/{id}`, and OS-INHERIT.

A target (project, domain, system), an actor (user, group) and whether projects below inherit it
make the path; the handlers read them back from it.
"""

from itertools import product
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import listed
from cumulo.identity.api.roles import role_body, role_target
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.group import GroupRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import SYSTEM, ActorType, RoleRow, TargetType
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.identity import IdentityService

INHERITED = "/inherited_to_projects"


class GrantsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._roles = identity.roles

    def operations(self) -> list[Operation]:
        made: list[Operation] = []
        for where, actor in product(("projects/{project_id}", "domains/{domain_id}"), ACTORS):
            plain = f"/v3/{where}/{actor}s/{{{actor}_id}}/roles"
            inherit = f"/v3/OS-INHERIT/{where}/{actor}s/{{{actor}_id}}/roles"
            made += self._of(plain, plain + "/{role_id}", "{}_grant")
            each = inherit + "/{role_id}" + INHERITED
            # Of what is inherited, only a domain's can be listed.
            many = inherit + INHERITED if where.startswith("domains") else None
            made += self._of(many, each, "{}_grant")
        for actor in ACTORS:
            many = f"/v3/system/{actor}s/{{{actor}_id}}/roles"
            rule = f"{{}}_system_grant_for_{actor}"
            made += self._of(many, many + "/{role_id}", rule)
        return made

    def _of(self, many: str | None, each: str, rule: str) -> list[Operation]:
        """`rule`: the policy's name around the verb."""

        def named(verb: str) -> str:
            return "identity:" + rule.format(verb)

        listing = named("list").replace("_grant", "_grants")
        made = [
            Operation("PUT", each, self.give, policy=named("create"), early=False, status=204),
            Operation("HEAD", each, self.check, policy=named("check"), early=False, status=204),
            Operation("GET", each, self.check, policy=named("check"), early=False, status=204),
            Operation("DELETE", each, self.take, policy=named("revoke"), early=False, status=204),
        ]
        if many is not None:
            made.append(Operation("GET", many, self.index, policy=listing, early=False))
        return made

    def index(self, call: Call, tx: Tx) -> Any:
        target_type, target_id = _target(call)
        actor_type, actor_id = _actor(call)
        call.allow(_policy_target(call, tx))
        self._roles.check_ends(tx, actor_type, actor_id, target_type, target_id)
        rows = self._roles.granted(
            tx, actor_id, target_type, target_id, inherited=_is_inherited(call)
        )
        return listed(call, "roles", [role_body(call, row) for row in rows])

    def give(self, call: Call, tx: Tx) -> None:
        actor_type, actor_id = _actor(call)
        call.allow(_policy_target(call, tx))
        self._roles.grant(
            tx,
            call.path["role_id"],
            actor_id,
            *_target(call),
            call.principal,
            actor_type=actor_type,
            inherited=_is_inherited(call),
        )

    def check(self, call: Call, tx: Tx) -> None:
        actor_type, actor_id = _actor(call)
        call.allow(_policy_target(call, tx))
        self._roles.check_ends(tx, actor_type, actor_id, *_target(call))
        self._roles.check_grant(
            tx,
            call.path["role_id"],
            actor_id,
            *_target(call),
            inherited=_is_inherited(call),
        )

    def take(self, call: Call, tx: Tx) -> None:
        actor_type, actor_id = _actor(call)
        call.allow(_policy_target(call, tx))
        self._roles.revoke(
            tx,
            call.path["role_id"],
            actor_id,
            *_target(call),
            call.principal,
            actor_type=actor_type,
            inherited=_is_inherited(call),
        )


ACTORS: tuple[ActorType, ...] = ("user", "group")


def _actor(call: Call) -> tuple[ActorType, str]:
    if "group_id" in call.path:
        return "group", call.path["group_id"]
    return "user", call.path["user_id"]


def _target(call: Call) -> tuple[TargetType, str]:
    if "project_id" in call.path:
        return "project", call.path["project_id"]
    if "domain_id" in call.path:
        return "domain", call.path["domain_id"]
    return "system", SYSTEM


def _is_inherited(call: Call) -> bool:
    return call.operation.path.startswith("/v3/OS-INHERIT")


def _policy_target(call: Call, tx: Tx) -> dict[str, Any]:
    """What the rules ask about; what does not exist has no say, and is 404 afterwards."""
    target: dict[str, Any] = {}
    if "role_id" in call.path:
        role = tx.get(RoleRow, call.path["role_id"])
        if role is not None:
            target.update(role_target(role))
    if "user_id" in call.path:
        user = tx.get(UserRow, call.path["user_id"])
        target["target.user.domain_id"] = user.domain_id if user is not None else None
    if "group_id" in call.path:
        group = tx.get(GroupRow, call.path["group_id"])
        target["target.group.domain_id"] = group.domain_id if group is not None else None
    if "project_id" in call.path:
        project = tx.get(ProjectRow, call.path["project_id"])
        target["target.project.domain_id"] = project.domain_id if project is not None else None
    if "domain_id" in call.path:
        domain = tx.get(DomainRow, call.path["domain_id"])
        target["target.domain.id"] = domain.id if domain is not None else None
    return target
