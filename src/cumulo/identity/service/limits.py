"""Unified limits: defaults of resources, and what one project or domain may have instead.

Two models of what belongs together. *flat*: each project for itself. *strict_two_level*: a
project's limit is never above its domain's, and projects are at most two levels deep.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import StrictBody, Unset
from cumulo.identity.model.catalog import RegionRow, ServiceRow
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.limit import UNLIMITED, LimitModel, LimitRow, RegisteredLimitRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.queries import limit as queries
from cumulo.identity.service.extras import given

MODELS: dict[LimitModel, str] = {
    "flat": "Limit enforcement and validation does not take project hierarchy into consideration.",
    "strict_two_level": "This model requires project hierarchy never exceeds a depth of two",
}
MAX_DEPTH: dict[LimitModel, int] = {"flat": 5, "strict_two_level": 2}
"""Levels of projects below a domain."""

Amount = Annotated[int, msgspec.Meta(ge=UNLIMITED, le=0x7FFFFFFF)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"\S")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Text = Annotated[str, msgspec.Meta(max_length=65535)]


class NewRegisteredLimit(StrictBody):
    service_id: Id
    resource_name: Name
    default_limit: Amount
    region_id: Id | None = None
    description: Text | None = None


class RegisteredLimitChanges(StrictBody):
    service_id: Id | Unset = UNSET
    resource_name: Name | Unset = UNSET
    default_limit: Amount | Unset = UNSET
    region_id: Id | Unset | None = UNSET
    description: Text | Unset | None = UNSET


class NewLimit(StrictBody):
    service_id: Id
    resource_name: Name
    resource_limit: Amount
    region_id: Id | None = None
    project_id: Id | Unset | None = UNSET
    domain_id: Id | Unset | None = UNSET
    description: Text | None = None


class LimitChanges(StrictBody):
    resource_limit: Amount | Unset = UNSET
    description: Text | Unset | None = UNSET


class Limits:
    registered = queries.REGISTERED
    listing = queries.LIMITS

    def __init__(self, model: LimitModel = "flat") -> None:
        self.model = model

    # Registered limits

    def get_registered(self, tx: Tx, id: str) -> RegisteredLimitRow:
        found = tx.get(RegisteredLimitRow, id)
        if found is None:
            raise NotFound(f"Could not find registered limit for {id}.")
        return found

    def register(
        self, tx: Tx, wanted: Sequence[NewRegisteredLimit], who: Principal
    ) -> list[RegisteredLimitRow]:
        """All of them or none."""
        rows = []
        for each in wanted:
            self._check_place(tx, each.service_id, each.region_id, "registered_limit")
            self._refuse_duplicate(tx, each.service_id, each.region_id, each.resource_name)
            row = RegisteredLimitRow(
                new_hex(),
                each.service_id,
                each.region_id,
                each.resource_name,
                each.default_limit,
                each.description,
            )
            tx.insert(row)
            emit(tx, "identity.registered_limit.create", row.id, principal=who)
            rows.append(row)
        return rows

    def update_registered(
        self, tx: Tx, id: str, wanted: RegisteredLimitChanges, who: Principal
    ) -> RegisteredLimitRow:
        row = self.get_registered(tx, id)
        self._refuse_used(tx, row)
        changes = given(
            wanted, "service_id", "region_id", "resource_name", "default_limit", "description"
        )
        after = msgspec.structs.replace(row, **changes)
        if changes.keys() & {"service_id", "region_id"}:
            self._check_place(tx, after.service_id, after.region_id, "registered_limit")
        found = self.find_registered(tx, after.service_id, after.region_id, after.resource_name)
        if found is not None and found.id != row.id:
            self._refuse_duplicate(tx, after.service_id, after.region_id, after.resource_name)
        row = tx.update(row, **changes)
        emit(tx, "identity.registered_limit.update", row.id, principal=who)
        return row

    def delete_registered(self, tx: Tx, id: str, who: Principal) -> None:
        row = self.get_registered(tx, id)
        self._refuse_used(tx, row)
        tx.delete(row)
        emit(tx, "identity.registered_limit.delete", row.id, principal=who)

    def find_registered(
        self, tx: Tx, service_id: str, region_id: str | None, name: str
    ) -> RegisteredLimitRow | None:
        where = {"service_id": service_id, "resource_name": name}
        place = {"no_region": True} if region_id is None else {"region_id": region_id}
        found = queries.REGISTERED.page(tx, where={**where, **place})
        return found[0] if found else None

    def _refuse_used(self, tx: Tx, row: RegisteredLimitRow) -> None:
        if queries.LIMITS.page(tx, where={"registered_limit_id": row.id}, limit=1):
            raise Forbidden(
                f"Unable to update or delete registered limit {row.id} because there are project "
                "limits associated with it."
            )

    def _refuse_duplicate(self, tx: Tx, service_id: str, region_id: str | None, name: str) -> None:
        if self.find_registered(tx, service_id, region_id, name) is not None:
            raise Conflict(
                "Conflict occurred attempting to store registered_limit - Duplicate entry."
            )

    def _check_place(self, tx: Tx, service_id: str, region_id: str | None, noun: str) -> None:
        if tx.get(ServiceRow, service_id) is None:
            raise _expected("service_id", noun)
        if region_id is not None and tx.get(RegionRow, region_id) is None:
            raise _expected("region_id", noun)

    # Limits

    def get(self, tx: Tx, id: str) -> LimitRow:
        found = tx.get(LimitRow, id)
        if found is None:
            raise NotFound(f"Could not find limit for {id}.")
        return found

    def create(self, tx: Tx, wanted: Sequence[NewLimit], who: Principal) -> list[LimitRow]:
        """All of them or none. Domains first: a project's may need its domain's new one."""
        made: dict[int, LimitRow] = {}
        order = sorted(range(len(wanted)), key=lambda i: not isinstance(wanted[i].domain_id, str))
        for index in order:
            made[index] = self._create(tx, wanted[index], who)
        return [made[index] for index in range(len(wanted))]

    def _create(self, tx: Tx, wanted: NewLimit, who: Principal) -> LimitRow:
        project_id, domain_id = self._owner(tx, wanted)
        self._check_place(tx, wanted.service_id, wanted.region_id, "limit")
        registered = self.find_registered(
            tx, wanted.service_id, wanted.region_id, wanted.resource_name
        )
        if registered is None:
            raise BadRequest("Unable to create a limit that has no corresponding registered limit.")
        owner = {"project_id": project_id} if project_id else {"domain_id": domain_id}
        where = {"registered_limit_id": registered.id, **owner}
        if queries.LIMITS.page(tx, where=where, limit=1):
            raise Conflict("Conflict occurred attempting to store limit - Duplicate entry.")
        row = LimitRow(
            new_hex(),
            registered.id,
            project_id,
            domain_id,
            wanted.resource_limit,
            wanted.description,
        )
        self._check_tree(tx, row, registered)
        tx.insert(row)
        emit(tx, "identity.limit.create", row.id, principal=who, project_id=project_id)
        return row

    def _owner(self, tx: Tx, wanted: NewLimit) -> tuple[str | None, str | None]:
        """(project id, None) or (None, domain id)."""
        project_id, domain_id = wanted.project_id or None, wanted.domain_id or None
        if (project_id is None) == (domain_id is None):
            raise BadRequest(
                "Invalid input for limit: either 'project_id' or 'domain_id' is required"
            )
        if project_id is not None and tx.get(ProjectRow, project_id) is None:
            raise _expected("project_id", "limit")
        if domain_id is not None and tx.get(DomainRow, domain_id) is None:
            raise _expected("domain_id", "limit")
        return project_id, domain_id

    def update(self, tx: Tx, id: str, wanted: LimitChanges, who: Principal) -> LimitRow:
        row = self.get(tx, id)
        changes = given(wanted, "resource_limit", "description")
        after = msgspec.structs.replace(row, **changes)
        self._check_tree(tx, after, self.get_registered(tx, row.registered_limit_id))
        tx.update(row, **changes)
        emit(tx, "identity.limit.update", row.id, principal=who, project_id=row.project_id)
        return after

    def delete(self, tx: Tx, id: str, who: Principal) -> None:
        row = self.get(tx, id)
        tx.delete(row)
        emit(tx, "identity.limit.delete", row.id, principal=who, project_id=row.project_id)

    def _check_tree(self, tx: Tx, row: LimitRow, registered: RegisteredLimitRow) -> None:
        """What strict_two_level asks for. Raises Forbidden."""
        if self.model == "flat":
            return
        if row.project_id is not None:
            project = tx.get(ProjectRow, row.project_id)
            assert project is not None, row.project_id
            above = self._of_domain(tx, project, registered)
            fits = _at_most(row.resource_limit, above)
        else:
            below = tx.tuples(
                queries.IN_DOMAIN, domain_id=row.domain_id, registered_limit_id=registered.id
            )
            fits = all(_at_most(limit, row.resource_limit) for (limit,) in below)
        if not fits:
            level = "project_id" if row.project_id else "domain_id"
            raise Forbidden(
                f"Invalid resource limit: The resource limit ({level}: "
                f"{row.project_id or row.domain_id}, resource_name: {registered.resource_name}, "
                f"resource_limit: {row.resource_limit}, service_id: {registered.service_id}, "
                f"region_id: {registered.region_id}) doesn't satisfy current hierarchy model.."
            )

    def _of_domain(self, tx: Tx, project: ProjectRow, registered: RegisteredLimitRow) -> int:
        where = {"domain_id": project.domain_id, "registered_limit_id": registered.id}
        found = queries.LIMITS.page(tx, where=where)
        return found[0].resource_limit if found else registered.default_limit

    # What other services ask

    def limits_of(
        self, tx: Tx, service_type: str, project_id: str, region_id: str | None = None
    ) -> dict[str, int]:
        """Resource name → what the project may have of it (-1: any amount); names that nobody
        registered for the service are missing. A region's registered limit goes before one for
        all regions."""
        registered = self._registered_of(tx, service_type, region_id)
        own = {
            row.registered_limit_id: row.resource_limit
            for row in queries.LIMITS.page(tx, where={"project_id": project_id})
        }
        return {name: own.get(row.id, row.default_limit) for name, row in registered.items()}

    def of_project(
        self, tx: Tx, service_types: Sequence[str], project_id: str, region_id: str
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Implements `core.quotas.quotas.UnifiedLimits`."""
        own: dict[str, int] = {}
        registered: dict[str, int] = {}
        found = tx.tuples(
            queries.OF_PROJECT, types=list(service_types), project_id=project_id, region=region_id
        )
        # One for all regions comes first, so that this region's goes over it.
        for name, default, limit in found:
            registered[name] = default
            own.pop(name, None)
            if limit is not None:
                own[name] = limit
        return own, registered

    def domain_limits_of(
        self, tx: Tx, service_type: str, domain_id: str, region_id: str | None = None
    ) -> dict[str, int]:
        """The same for all projects of a domain together: strict_two_level counts their usage
        against it. Empty in the flat model, where a domain's limit counts for nobody."""
        if self.model == "flat":
            return {}
        registered = self._registered_of(tx, service_type, region_id)
        own = {
            row.registered_limit_id: row.resource_limit
            for row in queries.LIMITS.page(tx, where={"domain_id": domain_id})
        }
        return {name: own.get(row.id, row.default_limit) for name, row in registered.items()}

    def _registered_of(
        self, tx: Tx, service_type: str, region_id: str | None
    ) -> dict[str, RegisteredLimitRow]:
        found = tx.all(queries.REGISTERED_OF_TYPE, service_type=service_type)
        everywhere = {row.resource_name: row for row in found if row.region_id is None}
        here = {row.resource_name: row for row in found if row.region_id == region_id}
        return {**everywhere, **here}


def _at_most(limit: int, above: int) -> bool:
    return above == UNLIMITED or (limit != UNLIMITED and limit <= above)


def _expected(attribute: str, target: str) -> BadRequest:
    return BadRequest(
        f"Expecting to find {attribute} in {target}. The server could not comply with the request "
        "since it is either malformed or otherwise incorrect. The client is assumed to be in error."
    )
