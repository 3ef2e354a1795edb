"""Which endpoints a project sees. One that was given none, nor a group of them, sees all."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.catalog import EndpointRow
from cumulo.identity.model.endpoint_filter import (
    EndpointGroupRow,
    ProjectEndpointGroupRow,
    ProjectEndpointRow,
)
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.queries import catalog as endpoints
from cumulo.identity.queries import endpoint_filter as queries
from cumulo.identity.service.extras import given, split

FILTERS = ("service_id", "region_id", "interface")

GroupName = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"\S")]


class EndpointGroupWishes(msgspec.Struct):
    name: GroupName | Unset = UNSET
    description: str | Unset | None = UNSET
    filters: dict[str, str] | Unset = UNSET


class EndpointFilters:
    listing = queries.GROUPS

    def __init__(self, forget_views: Callable[[], None]) -> None:
        self._forget_views = forget_views

    # Groups of endpoints

    def group(self, tx: Tx, group_id: str) -> EndpointGroupRow:
        found = tx.get(EndpointGroupRow, group_id)
        if found is None:
            raise NotFound(f"Could not find Endpoint Group: {group_id}.")
        return found

    def create(self, tx: Tx, wishes: Mapping[str, Any], who: Principal) -> EndpointGroupRow:
        wanted, _ = split(wishes, EndpointGroupWishes, "endpoint_group")
        if wanted.name is UNSET:
            raise BadRequest("Invalid input for endpoint_group: 'name' is a required property")
        if wanted.filters is UNSET or not wanted.filters:
            raise BadRequest("filters field is required and cannot be empty")
        _check_filters(wanted.filters)
        description = None if wanted.description is UNSET else wanted.description
        row = EndpointGroupRow(new_hex(), wanted.name, description, wanted.filters)
        tx.insert(row)
        emit(tx, "identity.endpoint_group.create", row.id, principal=who, name=row.name)
        return row

    def update(
        self, tx: Tx, group_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> EndpointGroupRow:
        row = self.group(tx, group_id)
        wanted, _ = split(wishes, EndpointGroupWishes, "endpoint_group")
        if wanted.filters is not UNSET:
            _check_filters(wanted.filters)
        row = tx.update(row, **given(wanted, "name", "description", "filters"))
        emit(tx, "identity.endpoint_group.update", row.id, principal=who)
        tx.after_commit(self._forget_views)
        return row

    def delete(self, tx: Tx, group_id: str, who: Principal) -> None:
        row = self.group(tx, group_id)
        tx.delete(row)
        emit(tx, "identity.endpoint_group.delete", row.id, principal=who)
        tx.after_commit(self._forget_views)

    def endpoints_of_group(self, tx: Tx, row: EndpointGroupRow) -> list[EndpointRow]:
        return endpoints.ENDPOINTS.page(tx, where=row.filters)

    # What a project sees

    def endpoints_of_project(self, tx: Tx, project_id: str) -> list[EndpointRow]:
        """Single ones and those of its groups; none means that nothing is filtered."""
        found = tx.all(queries.ENDPOINTS_OF_PROJECT, project_id=project_id)
        seen = {row.id: row for row in found}
        for group in tx.all(queries.GROUPS_OF_PROJECT, project_id=project_id):
            seen.update({row.id: row for row in self.endpoints_of_group(tx, group)})
        return list(seen.values())

    def groups_of_project(self, tx: Tx, project_id: str) -> list[EndpointGroupRow]:
        return tx.all(queries.GROUPS_OF_PROJECT, project_id=project_id)

    def projects_of_endpoint(self, tx: Tx, endpoint_id: str) -> list[ProjectRow]:
        return tx.all(queries.PROJECTS_OF_ENDPOINT, endpoint_id=endpoint_id)

    def projects_of_group(self, tx: Tx, group_id: str) -> list[ProjectRow]:
        return tx.all(queries.PROJECTS_OF_GROUP, group_id=group_id)

    def show_endpoint(self, tx: Tx, project_id: str, endpoint_id: str, who: Principal) -> None:
        self._ends(tx, project_id, endpoint_id)
        if not tx.insert(ProjectEndpointRow(project_id, endpoint_id), ignore_duplicate=True):
            raise Conflict(
                "Conflict occurred attempting to store project_endpoint - Duplicate entry."
            )
        self._tell(tx, "add_endpoint", project_id, endpoint_id, who)

    def check_endpoint(self, tx: Tx, project_id: str, endpoint_id: str) -> None:
        self._ends(tx, project_id, endpoint_id)
        if tx.get(ProjectEndpointRow, project_id, endpoint_id) is None:
            raise NotFound(f"Endpoint {endpoint_id} not found in project {project_id}.")

    def hide_endpoint(self, tx: Tx, project_id: str, endpoint_id: str, who: Principal) -> None:
        if not tx.delete(ProjectEndpointRow(project_id, endpoint_id)):
            raise NotFound(f"Endpoint {endpoint_id} not found in project {project_id}.")
        self._tell(tx, "remove_endpoint", project_id, endpoint_id, who)

    def show_group(self, tx: Tx, project_id: str, group_id: str, who: Principal) -> None:
        self._group_ends(tx, project_id, group_id)
        if not tx.insert(ProjectEndpointGroupRow(project_id, group_id), ignore_duplicate=True):
            raise Conflict(
                "Conflict occurred attempting to store project_endpoint_group - Duplicate entry."
            )
        self._tell(tx, "add_endpoint_group", project_id, group_id, who)

    def check_group(self, tx: Tx, project_id: str, group_id: str) -> None:
        self._group_ends(tx, project_id, group_id)
        if tx.get(ProjectEndpointGroupRow, project_id, group_id) is None:
            raise NotFound("Endpoint Group Project Association not found.")

    def hide_group(self, tx: Tx, project_id: str, group_id: str, who: Principal) -> None:
        self.check_group(tx, project_id, group_id)
        tx.delete(ProjectEndpointGroupRow(project_id, group_id))
        self._tell(tx, "remove_endpoint_group", project_id, group_id, who)

    def _tell(self, tx: Tx, verb: str, project_id: str, id: str, who: Principal) -> None:
        emit(tx, f"identity.project.{verb}", project_id, principal=who, id=id)
        tx.after_commit(self._forget_views)

    def _ends(self, tx: Tx, project_id: str, endpoint_id: str) -> None:
        if tx.get(EndpointRow, endpoint_id) is None:
            raise NotFound(f"Could not find endpoint: {endpoint_id}.")
        if tx.get(ProjectRow, project_id) is None:
            raise NotFound(f"Could not find project: {project_id}.")

    def _group_ends(self, tx: Tx, project_id: str, group_id: str) -> None:
        if tx.get(ProjectRow, project_id) is None:
            raise NotFound(f"Could not find project: {project_id}.")
        self.group(tx, group_id)


def _check_filters(filters: dict[str, str]) -> None:
    if not set(filters) <= set(FILTERS):
        raise BadRequest(
            f"Expecting to find {' or '.join(FILTERS)} in endpoint_group. The server could not "
            "comply with the request since it is either malformed or otherwise incorrect. The "
            "client is assumed to be in error."
        )
