"""`cumulo can`: may somebody do something, and why. The same rules as requests, told in full."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from cumulo.core.auth.explain import Reason, explain
from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.db.find import rows_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Face


class Decisions:
    """`principals`: a user's name or id → what tokens could say of it, one for each scope."""

    def __init__(
        self,
        faces: Callable[[], Iterable[Face]],
        principals: Callable[[Tx, str], Sequence[Principal]],
        folder: Path | None = None,
    ) -> None:
        """`folder`: of the operator's policy files."""
        self._folder = folder
        self._faces = faces
        self._principals = principals

    def explain(self, tx: Tx, user: str, action: str, resource: str | None) -> dict[str, Any]:
        """Raises NotFound for an unknown user, action or resource."""
        rules = self._rules(action)
        target = _target(tx, resource) if resource else None
        answers = []
        for who in self._principals(tx, user):
            reason = explain(rules, action, who.credentials, target or _own(who))
            answers.append({"scope": _scope(who), "roles": list(who.roles), **_told(reason)})
        if not answers:
            raise NotFound(f"{user} has no role anywhere, so no token with a scope.")
        project = None if target is None else target.get("project_id")
        answers.sort(
            key=lambda each: (not each["allowed"], each["scope"].get("project") != project)
        )
        return {
            "user": user,
            "action": action,
            "resource": resource,
            "allowed": answers[0]["allowed"],
            "rule": rules.text(action),
            "scopes": answers,
        }

    def doubts(self) -> list[str]:
        """What operators have written into policy files that has no effect."""
        rules = [face.rules for face in self._faces()]
        read = {each.path.name for each in rules if each.path is not None}
        stray = [
            f"{path}: no service reads this file; they are: {', '.join(sorted(read))}"
            for path in (sorted(self._folder.glob("*")) if self._folder is not None else ())
            if path.name not in read
        ]
        return list(dict.fromkeys([each for found in rules for each in found.doubts] + stray))

    def _rules(self, action: str) -> Rules:
        for face in self._faces():
            try:
                face.rules.text(action)
            except KeyError:
                continue
            if action != "default":
                return face.rules
        raise NotFound(f"No service has a rule {action}.")


def _own(who: Principal) -> dict[str, Any]:
    """Without a resource: one of the caller's own, as for a list or a create."""
    own = {"project_id": who.project_id, "user_id": who.user_id, "domain_id": who.domain_id}
    for noun in ("project", "user", "group", "role"):
        own[f"target.{noun}.domain_id"] = who.domain_id
    return {name: value for name, value in {**own, "tenant_id": who.project_id}.items() if value}


def _target(tx: Tx, resource: str) -> dict[str, Any]:
    """What rules may ask of a resource, from its row."""
    found: dict[str, Any] = {}
    for table, row in rows_of(tx, resource):
        noun = table.partition("_")[2].removesuffix("s") or table
        for name, value in row.items():
            if isinstance(value, str | int | bool):
                found.setdefault(name, value)
                found.setdefault(f"target.{noun}.{name}", value)
    if not found:
        raise NotFound(f"Nothing has the id {resource}.")
    if "project_id" in found:
        found.setdefault("tenant_id", found["project_id"])
    return found


def _scope(who: Principal) -> dict[str, str]:
    if who.project_id is not None:
        return {"project": who.project_id, "name": who.project_name or ""}
    if who.domain_id is not None:
        return {"domain": who.domain_id, "name": who.domain_name or ""}
    return {"system": "all", "name": "all"}


def _told(reason: Reason) -> dict[str, Any]:
    return {"allowed": reason.holds, "why": reason.lines()}
