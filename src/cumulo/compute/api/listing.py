"""The list of servers: what may be asked of it.

What a column answers goes into SQL, and a pattern that is plain text does. Only what the program
alone knows (regular expressions, addresses, sets of tags) is looked at row by row, a bounded number
of times, by the few columns that it needs.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from cumulo.compute.api.common import moment_of, or_none, until_of
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.core.http.operations import Call
from cumulo.core.http.paging import MAX_LIMIT, Page, heads_of, limit_of, order_of
from cumulo.core.wire.coercions import as_bool, as_int
from cumulo.core.wire.patterns import BadPattern, Pattern

LOOKED = ("name", "tags")
"""Columns that a `Predicate` is given."""
Predicate = Callable[[str, list[str]], bool]
_SORT_NAMES = {
    "display_name": "name",
    "project_id": "project_id",
    "uuid": "id",
    "host": "host_id",
    "node": "host_id",
    "availability_zone": "zone",
}
_STATUSES = {
    "ACTIVE",
    "BUILD",
    "DELETED",
    "ERROR",
    "HARD_REBOOT",
    "MIGRATING",
    "PASSWORD",
    "PAUSED",
    "REBOOT",
    "REBUILD",
    "RESCUE",
    "RESIZE",
    "REVERT_RESIZE",
    "SHELVED",
    "SHELVED_OFFLOADED",
    "SHUTOFF",
    "SOFT_DELETED",
    "SUSPENDED",
    "UNKNOWN",
    "VERIFY_RESIZE",
}
_FOR_ALL = ("reservation_id",)
_LATER = ("user_id", "task_state", "vm_state", "power_state")
"""For administrators; from API 2.83 on for everybody."""
_ADMIN_ONLY = ("host", *_LATER)


def list_servers(
    call: Call, tx: Tx, compute: ComputeService, columns: tuple[str, ...]
) -> Page[tuple[Any, ...]]:
    """Of each server of the page these columns, as they are stored."""
    filters = _Filters(call)
    if not filters.read():
        return Page([], False)
    if filters.predicates or filters.addresses:
        page = _looked_at(call, tx, compute, filters)
        return Page([tuple(getattr(row, c) for c in columns) for row in page.rows], page.more)
    find = compute.servers.get_even_deleted
    return heads_of(
        call,
        tx,
        compute.servers.listing,
        filters.where,
        columns,
        find_marker=lambda id: or_none(lambda: find(tx, id, call.principal)),
        sort_names=_SORT_NAMES,
    )


def _looked_at(call: Call, tx: Tx, compute: ComputeService, filters: "_Filters") -> Page[ServerRow]:
    limit, id = limit_of(call), call.query.get("marker")
    if limit == 0:
        return Page([], False)
    marker = None
    if id:
        servers = compute.servers
        marker = or_none(lambda: servers.get_even_deleted(tx, id, call.principal))
        if marker is None:
            raise BadRequest(f"marker [{id}] not found")

    def fits(rows: list[tuple[Any, ...]]) -> list[bool]:
        found = [filters.fits(name, tags) for _, name, tags in rows]
        if filters.addresses:
            ids = [row[0] for row, fit in zip(rows, found, strict=True) if fit]
            addresses = compute.network.addresses_of(tx, ids)
            found = [
                fit and filters.has_address(addresses.get(row[0], []))
                for row, fit in zip(rows, found, strict=True)
            ]
        return found

    page = compute.servers.listing.look(
        tx,
        where=filters.where,
        columns=LOOKED,
        fits=fits,
        sort=order_of(call, compute.servers.listing, _SORT_NAMES),
        marker=marker,
        limit=MAX_LIMIT if limit is None else limit,
    )
    if page.cut and not page.rows:
        raise BadRequest(
            "Invalid filter: too many servers would have to be looked through; add a filter such "
            "as status, host, flavor or changes-since"
        )
    return Page(page.rows, page.more)


class _Filters:
    def __init__(self, call: Call) -> None:
        self._call = call
        self.where: dict[str, Any] = {}
        self.predicates: list[Predicate] = []
        self.addresses: list[tuple[Pattern, bool]] = []
        """Patterns, and whether they are for IPv6."""

    def read(self) -> bool:
        """False: nothing can match."""
        self._scope()
        self._deleted()
        possible = self._texts()
        self._names()
        self._times()
        self._tags()
        return self._status() and possible

    def fits(self, name: str, tags: str) -> bool:
        held = msgspec.json.decode(tags, type=list[str]) if self.predicates else []
        return all(fits(name, held) for fits in self.predicates)

    def has_address(self, addresses: list[str]) -> bool:
        return all(
            any(pattern.found_in(one) for one in addresses if (":" in one) == six)
            for pattern, six in self.addresses
        )

    def _get(self, name: str) -> str | None:
        return self._call.query.get(name)

    def _scope(self) -> None:
        call = self._call
        everybody = self._get("all_tenants")
        # `?all_tenants` without a value means yes.
        if everybody is not None and as_bool(everybody or "1", "all_tenants"):
            call.allow(action=f"{call.operation.policy}:get_all_tenants")
            project = self._get("project_id") or self._get("tenant_id")
            if project is not None:
                self.where["project_id"] = project
        else:
            self.where["project_id"] = call.project_id

    def _deleted(self) -> None:
        """Who asks for changes is told of what was deleted, too; an administrator may say which."""
        asked = self._get("deleted")
        deleted = asked is not None and as_bool(asked, "deleted")
        if asked is not None and self._call.principal.is_admin:
            self.where["deleted" if deleted else "existing"] = True
        elif self._get("changes-since") is None and self._get("changes-before") is None:
            self.where["existing"] = True

    def _status(self) -> bool:
        words = [word.upper() for word in self._call.query.all("status")]
        if not words:
            return True
        if "DELETED" in words:
            if not self._call.principal.is_admin:
                raise Forbidden("Only administrators may list deleted instances")
            self.where.pop("existing", None)
        known = [word for word in words if word in _STATUSES]
        self.where["status"] = known
        return bool(known)

    def _names(self) -> None:
        name = self._get("name")
        if name:
            pattern = self._pattern(name, ignore_case=True)
            if pattern.literal is not None and name.isascii():
                self.where["name_part"] = name
            else:
                self.predicates.append(lambda name, tags: pattern.found_in(name))
        for key in ("ip", "ip6"):
            wanted = self._get(key)
            if wanted:
                self.addresses.append((self._pattern(wanted), key == "ip6"))
        locked = self._get("locked")
        if locked is not None:
            self.where["unlocked"] = not as_bool(locked, "locked")
        version, keys = self._call.version, list(_FOR_ALL)
        if self._call.principal.is_admin:
            keys += _ADMIN_ONLY
        elif version is not None and version >= (2, 83):
            keys += _LATER
        for key in keys:
            wanted = self._get(key)
            if wanted is not None:
                self._exact(key, wanted)

    def _exact(self, key: str, wanted: str) -> None:
        if key == "power_state":
            self.where[key] = as_int(wanted, key)
        else:
            self.where[key] = [wanted] if key == "vm_state" else wanted

    def _texts(self) -> bool:
        """Exact texts; a URL stands for the id at its end. False: none can have it."""
        for key, column in _TEXTS.items():
            wanted = self._get(key)
            if wanted is not None:
                self.where[column] = wanted.rpartition("/")[2]
        for key, (column, field) in _REFERENCES.items():
            wanted = self._get(key)
            if wanted is not None:
                wanted = wanted.rpartition("/")[2]
                self.where[column] = f'{{"{field}":{msgspec.json.encode(wanted).decode()}'
        if self._get("image") == "":
            del self.where["image_id"]
            self.where["no_image"] = True
        id, drive = self._get("uuid"), self._get("config_drive")
        if id is not None:
            self.where["ids"] = [id.rpartition("/")[2]]
        if drive is not None:
            self.where["config_drive"] = drive == "True"
        return drive in (None, "", "True")

    def _pattern(self, text: str, *, ignore_case: bool = False) -> Pattern:
        try:
            return Pattern(text, ignore_case=ignore_case)
        except BadPattern as error:
            shown = text if len(text) <= 80 else f"{text[:80]}…"
            raise BadRequest(
                f"Invalid filter: {shown!r} is no regular expression: {error}"
            ) from None

    def _times(self) -> None:
        since, before = self._get("changes-since"), self._get("changes-before")
        if since is not None:
            self.where["changed_since"] = moment_of(since, "changes-since")
        if before is not None:
            self.where["changed_before"] = until_of(before, "changes-before")

    def _tags(self) -> None:
        def asked(name: str) -> set[str] | None:
            text = self._get(name)
            return None if text is None else set(text.split(","))

        every, some = asked("tags"), asked("tags-any")
        not_every, not_some = asked("not-tags"), asked("not-tags-any")
        if every is not None:
            self.predicates.append(lambda name, tags: every <= set(tags))
        if some is not None:
            self.predicates.append(lambda name, tags: bool(some & set(tags)))
        if not_every is not None:
            self.predicates.append(lambda name, tags: not not_every <= set(tags))
        if not_some is not None:
            self.predicates.append(lambda name, tags: not not_some & set(tags))


_TEXTS = {
    "description": "description",
    "availability_zone": "zone",
    "hostname": "hostname",
    "access_ip_v4": "access_ipv4",
    "access_ip_v6": "access_ipv6",
}
_REFERENCES = {
    "image": ("image_id", "id"),
    "flavor": ("flavor_id", "id"),
    "key_name": ("key_name", "name"),
}
"""What the server keeps as it was: the column, and the field that it is known by."""
