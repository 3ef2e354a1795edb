"""Resources: what metrics are of, their types, what they were before, and how they are found."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.listing import Listing, Looked, Sort
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.telemetry.model.metric import ResourceRow, RevisionRow
from cumulo.telemetry.model.search import Fields, Kind, Search
from cumulo.telemetry.queries import metric as queries

SPACE = uuid.UUID("0a7a15ff-aa13-4ac2-897c-9bdf30ce175b")
"""Gnocchi's namespace for ids that are no UUIDs."""
SYSTEM = "cumulo"
"""The creator of what the cloud itself measures."""
CHOSEN = frozenset({"image"})
"""Kinds of things whose ids their makers may choose: they take nobody's place."""
MOST_REVISIONS = 100
"""Of a resource that are remembered."""
AT_ONCE = 500
COLUMNS = (
    "original_id",
    "type",
    "project_id",
    "user_id",
    "creator",
    "attributes",
    "started_at",
    "ended_at",
    "revision_start",
)
COMMON: dict[str, Kind] = {
    "id": "id",
    "original_resource_id": "text",
    "type": "text",
    "project_id": "text",
    "user_id": "text",
    "creator": "text",
    "created_by_user_id": "text",
    "created_by_project_id": "text",
    "started_at": "time",
    "ended_at": "time",
    "revision_start": "time",
}
KINDS: Mapping[str, Kind] = {
    "string": "text",
    "uuid": "text",
    "number": "number",
    "bool": "bool",
    "datetime": "time",
}
NARROWS = ("id", "original_resource_id", "type", "project_id", "user_id", "server_group")
"""What the database looks at itself, where a search demands it."""


def id_of(given: str, creator: str) -> str:
    """A UUID as it is; any other id becomes one that follows from it and its creator."""
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return str(uuid.uuid5(SPACE, given + "\x00" + creator))


def fields_of(attributes: Mapping[str, Mapping[str, Any]]) -> Fields:
    """What resources of a type can be searched by."""
    return {**COMMON, **{name: KINDS[each["type"]] for name, each in attributes.items()}}


def searched(row: ResourceRow | RevisionRow, of: ResourceRow) -> dict[str, Any]:
    """A resource, or what it was, as a search looks at it."""
    return _fields(
        of.id,
        of.original_id,
        of.type,
        row.project_id,
        row.user_id,
        of.creator,
        row.attributes,
        row.started_at,
        row.ended_at,
        row.revision_start,
    )


def _fields(
    id: str,
    original_id: str,
    type: str,
    project_id: str | None,
    user_id: str | None,
    creator: str,
    attributes: Mapping[str, Any],
    started_at: Moment,
    ended_at: Moment | None,
    revision_start: Moment,
) -> dict[str, Any]:
    user, _, project = creator.partition(":")
    return {
        **attributes,
        "id": id,
        "original_resource_id": original_id,
        "type": type,
        "project_id": project_id,
        "user_id": user_id,
        "creator": creator,
        "created_by_user_id": user,
        "created_by_project_id": project,
        "started_at": started_at,
        "ended_at": ended_at,
        "revision_start": revision_start,
    }


class Resources:
    listing: Listing[ResourceRow] = queries.RESOURCES

    def __init__(self) -> None:
        self.changed: Callable[[Tx, str | None], None] = lambda tx, project: None
        """Told, in the transaction, of whose resources some are others now."""

    # --- of the cloud ---------------------------------------------------------------------------

    def known(
        self,
        tx: Tx,
        kind: str,
        id: str,
        project_id: str | None,
        user_id: str | None,
        attributes: Mapping[str, Any] | None,
        at: Moment,
    ) -> None:
        """What an event says of a thing of the cloud; attributes None: it is gone."""
        row = tx.get(ResourceRow, id) if kind in CHOSEN else self.of_system(tx, id)
        if row is not None and (row.type != kind or row.creator != SYSTEM):
            return  # Who chooses a thing's id must not take over what is known of another.
        if row is None:
            if attributes is None:
                return  # It came and went before anybody was told of it.
            self.insert(
                tx,
                ResourceRow(
                    id,
                    id,
                    kind,
                    project_id,
                    user_id,
                    SYSTEM,
                    dict(attributes),
                    at,
                    None,
                    at,
                    None,
                ),
            )
            return
        # The cloud's clock may have been put back since.
        at = max(at, row.started_at)
        if attributes is None:
            self.update(tx, row, at, ended_at=at)
            return
        if row.project_id != project_id:
            # A thing may have been given to another project, and what is measured of it.
            tx.run(queries.GIVE, resource=id, system=SYSTEM, new_project=project_id)
        whose = {"project_id": project_id, "user_id": user_id}
        self.update(tx, row, at, attributes=dict(attributes), ended_at=None, **whose)

    def of_system(self, tx: Tx, id: str) -> ResourceRow | None:
        """A thing of the cloud. Ids can be guessed, and clients name resources as they like: one
        that was named like a thing of the cloud, to read what is measured of it, makes room."""
        row = tx.get(ResourceRow, id)
        if row is not None and row.creator != SYSTEM:
            self.delete(tx, row)
            return None
        return row

    # --- verbs ----------------------------------------------------------------------------------

    def insert(self, tx: Tx, row: ResourceRow) -> ResourceRow:
        group = row.attributes.get("server_group")
        row = msgspec.structs.replace(row, server_group=None if group is None else str(group))
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict(f"Resource {row.original_id} already exists")
        self.changed(tx, row.project_id)
        return row

    def update(self, tx: Tx, row: ResourceRow, at: Moment, **changes: Any) -> ResourceRow:
        """What it was is remembered; nothing happens when nothing is another."""
        changes = {name: value for name, value in changes.items() if getattr(row, name) != value}
        if not changes:
            return row
        ended = changes.get("ended_at", row.ended_at)
        if ended is not None and ended < changes.get("started_at", row.started_at):
            raise BadRequest("Start timestamp cannot be after end timestamp")
        tx.insert(
            RevisionRow(
                0,
                row.id,
                row.project_id,
                row.user_id,
                row.attributes,
                row.started_at,
                row.ended_at,
                row.revision_start,
                max(at, row.revision_start),
            )
        )
        tx.run(queries.OLD_REVISIONS, resource=row.id, of=row.id, kept=MOST_REVISIONS)
        if "attributes" in changes:
            group = changes["attributes"].get("server_group")
            changes["server_group"] = None if group is None else str(group)
        self.changed(tx, row.project_id)
        return tx.update(row, revision_start=max(at, row.revision_start), **changes)

    def delete(self, tx: Tx, row: ResourceRow) -> None:
        """With its metrics; their points go later."""
        tx.run(queries.FORGET, resource=row.id)
        tx.run(queries.REMOVE_METRICS, resource=row.id)
        tx.delete(row)

    # --- finding --------------------------------------------------------------------------------

    def named(
        self, tx: Tx, given: str, project: str | None, user: str | None
    ) -> ResourceRow | None:
        """A resource as somebody of the project names it: by its id, or by the name that they or
        a colleague gave it."""
        row = tx.get(ResourceRow, id_of(given, f"{user or ''}:{project or ''}"))
        return row or tx.one(queries.ORIGINAL, original=given, project=project)

    def get(self, tx: Tx, given: str, project: str | None, user: str | None) -> ResourceRow:
        row = self.named(tx, given, project, user)
        if row is None:
            id = id_of(given, f"{user or ''}:{project or ''}")
            raise NotFound(f"Resource {id} does not exist")
        return row

    def by_ids(self, tx: Tx, ids: Iterable[str]) -> dict[str, ResourceRow]:
        wanted = list(dict.fromkeys(ids))
        found: dict[str, ResourceRow] = {}
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            found |= {row.id: row for row in tx.all(queries.RESOURCES_BY_IDS, ids=some)}
        return found

    def search(
        self,
        tx: Tx,
        search: Search,
        *,
        kind: str,
        project: str | None,
        sort: Sort = (),
        marker: ResourceRow | None = None,
        limit: int,
    ) -> Looked[ResourceRow]:
        """A page of the resources of a type (`generic`: of any) that fit; `project` None: of
        everybody."""
        where: dict[str, Any] = {
            name: search.demands[name] for name in NARROWS if name in search.demands
        }
        for name, value in (("type", None if kind == "generic" else kind), ("project_id", project)):
            if value is None:
                continue
            if where.get(name, value) != value:
                return Looked([], False, False)
            where[name] = value

        def fits(rows: list[tuple[Any, ...]]) -> list[bool]:
            return [search.fits(_stored(row)) for row in rows]

        return self.listing.look(
            tx, where=where, columns=COLUMNS, fits=fits, sort=sort, marker=marker, limit=limit
        )

    def revisions(self, tx: Tx, ids: Sequence[str], most: int) -> dict[str, list[RevisionRow]]:
        """What resources were, the oldest first."""
        found: dict[str, list[RevisionRow]] = {id: [] for id in ids}
        for first in range(0, len(ids), AT_ONCE):
            rows = tx.all(
                queries.REVISIONS, resources=list(ids[first : first + AT_ONCE]), most=most
            )
            for row in rows:
                found[row.resource_id].append(row)
        return found


def _stored(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row as it is in the database (`COLUMNS` after the id)."""
    values = list(row)
    values[6] = msgspec.json.decode(values[6])
    return _fields(*values)
