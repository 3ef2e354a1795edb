"""The list of servers: what may be asked of it.

What a column answers goes into SQL; what only the program knows (regular expressions, addresses,
the image of a snapshot) is a predicate over the rows.
"""

import re
from collections.abc import Callable
from typing import Any

from cumulo.compute.api.common import moment_of
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.core.http.operations import Call, Query
from cumulo.core.http.paging import MAX_LIMIT, Page, limit_of, page_of
from cumulo.core.wire.coercions import as_bool

Predicate = Callable[[ServerRow], bool]
_PLAIN = re.compile(r"[\w \-]+")
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
_ADMIN_ONLY = ("host", "user_id", "reservation_id", "task_state", "vm_state", "power_state")


def list_servers(call: Call, tx: Tx, compute: ComputeService) -> Page[ServerRow]:
    where, predicates = _Filters(call, tx, compute).read()
    find = compute.servers.get_even_deleted
    if where is None:
        return Page([], False)
    if not predicates:
        return page_of(
            call,
            tx,
            compute.servers.listing,
            where,
            find_marker=lambda id: find(tx, id, call.principal),
            sort_names=_SORT_NAMES,
        )
    return _filtered(call, tx, compute, where, predicates)


def _filtered(
    call: Call,
    tx: Tx,
    compute: ComputeService,
    where: dict[str, Any],
    predicates: list[Predicate],
) -> Page[ServerRow]:
    """Rows that the program has to look at: pages are cut afterwards."""
    find = compute.servers.get_even_deleted
    rest = _without(call, "limit")
    page = page_of(
        rest,
        tx,
        compute.servers.listing,
        where,
        find_marker=lambda id: find(tx, id, call.principal),
        sort_names=_SORT_NAMES,
        always_limited=False,
    )
    rows = [row for row in page.rows if all(fits(row) for fits in predicates)]
    limit = limit_of(call)
    most = MAX_LIMIT if limit is None else limit
    return Page(rows[:most], len(rows) > most)


def _without(call: Call, name: str) -> Call:
    """The same call without one parameter of its query."""
    other = Call(call.face, call.operation, call.request_id)
    other.path, other.version, other.url = call.path, call.version, call.url
    other.base_url = call.base_url
    other.principal = call.principal
    other.query = Query([pair for pair in call.query.pairs if pair[0] != name])
    return other


class _Filters:
    def __init__(self, call: Call, tx: Tx, compute: ComputeService) -> None:
        self._call, self._tx, self._compute = call, tx, compute
        self._where: dict[str, Any] = {}
        self._predicates: list[Predicate] = []

    def read(self) -> tuple[dict[str, Any] | None, list[Predicate]]:
        """None: nothing can match."""
        self._scope()
        self._deleted()
        self._names()
        self._times()
        self._tags()
        return (None, []) if not self._status() else (self._where, self._predicates)

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
                self._where["project_id"] = project
        else:
            self._where["project_id"] = call.project_id

    def _deleted(self) -> None:
        asked = self._get("deleted")
        deleted = asked is not None and as_bool(asked, "deleted")
        if deleted and self._call.principal.is_admin:
            self._where["existing"] = False
        elif self._get("changes-since") is None:
            self._where["existing"] = True

    def _status(self) -> bool:
        words = [word.upper() for word in self._call.query.all("status")]
        if not words:
            return True
        if "DELETED" in words:
            if not self._call.principal.is_admin:
                raise Forbidden("Only administrators may list deleted instances")
            self._where.pop("existing", None)
        known = [word for word in words if word in _STATUSES]
        self._where["status"] = known
        return bool(known)

    def _names(self) -> None:
        name = self._get("name")
        if name:
            if _PLAIN.fullmatch(name):
                self._where["name_part"] = name
            self._match(name, lambda row: row.name)
        for key, read in _TEXTS.items():
            wanted = self._get(key)
            if wanted is not None:
                self._equal(read, wanted)
        for key in ("ip", "ip6"):
            wanted = self._get(key)
            if wanted:
                self._address(wanted, six=key == "ip6")
        locked = self._get("locked")
        if locked is not None:
            yes = as_bool(locked, "locked")
            self._predicates.append(lambda row: row.locked == yes)
        if self._call.principal.is_admin:
            for key in _ADMIN_ONLY:
                wanted = self._get(key)
                if wanted is not None:
                    self._where[key] = [wanted] if key == "vm_state" else wanted

    def _equal(self, read: Callable[[ServerRow], str | None], wanted: str) -> None:
        wanted = wanted.rpartition("/")[2]
        self._predicates.append(lambda row: read(row) == wanted)

    def _match(self, pattern: str, read: Callable[[ServerRow], str]) -> None:
        try:
            matches = re.compile(pattern, re.I).search
        except re.error:
            raise BadRequest(f"Invalid filter: {pattern!r} is no regular expression") from None
        self._predicates.append(lambda row: matches(read(row)) is not None)

    def _address(self, pattern: str, *, six: bool) -> None:
        try:
            matches = re.compile(pattern).search
        except re.error:
            raise BadRequest(f"Invalid filter: {pattern!r} is no regular expression") from None
        network, tx = self._compute.network, self._tx

        def fits(row: ServerRow) -> bool:
            ports = network.ports_of(tx, [row.id]).get(row.id, [])
            found = [fixed.ip_address for port in ports for fixed in port.fixed_ips]
            found += [address for port in ports for address in port.floating_ips]
            return any(matches(one) for one in found if (":" in one) == six)

        self._predicates.append(fits)

    def _times(self) -> None:
        since, before = self._get("changes-since"), self._get("changes-before")
        if since is not None:
            self._where["changed_since"] = moment_of(since, "changes-since")
        if before is not None:
            self._where["changed_before"] = moment_of(before, "changes-before")

    def _tags(self) -> None:
        def asked(name: str) -> set[str] | None:
            text = self._get(name)
            return None if text is None else set(text.split(","))

        every, some = asked("tags"), asked("tags-any")
        not_every, not_some = asked("not-tags"), asked("not-tags-any")
        if every is not None:
            self._predicates.append(lambda row: every <= set(row.tags))
        if some is not None:
            self._predicates.append(lambda row: bool(some & set(row.tags)))
        if not_every is not None:
            self._predicates.append(lambda row: not not_every <= set(row.tags))
        if not_some is not None:
            self._predicates.append(lambda row: not not_some & set(row.tags))


_TEXTS: dict[str, Callable[[ServerRow], str | None]] = {
    "image": lambda row: "" if row.image is None else row.image.id,
    "flavor": lambda row: row.flavor.id,
    "key_name": lambda row: None if row.key is None else row.key.name,
    "description": lambda row: row.description,
    "uuid": lambda row: row.id,
    "availability_zone": lambda row: row.zone,
    "hostname": lambda row: row.hostname,
    "access_ip_v4": lambda row: row.access_ipv4,
    "access_ip_v6": lambda row: row.access_ipv6,
    "config_drive": lambda row: "True" if row.config_drive else "",
}
