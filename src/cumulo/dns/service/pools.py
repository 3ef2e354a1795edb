"""Pools: those that the settings name, those that were made by the API, the choice for a zone."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.ids import new_id
from cumulo.dns import names
from cumulo.dns.model.pool import NsRecord, Pool, PoolNamesRow, PoolRow, pool_of
from cumulo.dns.model.zone import DEFAULT_POOL
from cumulo.dns.queries import pool as queries
from cumulo.dns.service import checks
from cumulo.dns.service.refusals import InvalidObject, bad_request, duplicate, missing, wrong
from cumulo.dns.service.refusals import not_found as no_such

MOST_NAME = 50
MOST_SERVERS = 32
MOST_PRIORITY = 10_000


class Pools:
    """`fixed`: those of the settings, the default one first."""

    def __init__(self, fixed: Sequence[Pool]) -> None:
        self.fixed = list(fixed)
        self._by_id = {pool.id: pool for pool in fixed}

    def all(self, tx: Tx) -> list[Pool]:
        made = tx.all(queries.ALL)
        return [*self.fixed, *(pool_of(row) for row in made if row.id not in self._by_id)]

    def find(self, tx: Tx, pool_id: str) -> Pool | None:
        found = self._by_id.get(pool_id)
        if found is None:
            row = tx.get(PoolRow, pool_id)
            found = None if row is None else pool_of(row)
        return found

    def get(self, tx: Tx, pool_id: str) -> Pool:
        """A pool that the settings do not name any more is the default one."""
        return self.find(tx, pool_id) or self._by_id[DEFAULT_POOL]

    def shown(self, tx: Tx, pool_id: str) -> Pool:
        found = self.find(tx, pool_id)
        if found is None:
            raise no_such("Pool", "pool")
        return found

    def chosen(self, tx: Tx, attributes: dict[str, str]) -> Pool:
        """By `pool_id`; else the first one whose attributes are among the zone's; else the default
        one."""
        wanted = attributes.get("pool_id")
        if wanted is not None:
            found = self.find(tx, wanted)
            if found is None:
                raise bad_request("There is no pool of this id", "no_valid_pool_found")
            return found
        if attributes:
            for pool in self.all(tx):
                if pool.attributes and pool.attributes.items() <= attributes.items():
                    return pool
        return self._by_id[DEFAULT_POOL]

    # --- those of the API -------------------------------------------------------------------

    def create(self, tx: Tx, values: dict[str, Any]) -> Pool:
        for field in ("name", "ns_records"):
            if field not in values:
                raise missing(field)
        checked = _checked(values)
        self._refuse_name(tx, checked["name"], "")
        if len(tx.all(queries.ALL)) >= queries.MOST:
            raise bad_request(f"There are {queries.MOST} pools already")
        row = PoolRow(
            id=new_id(),
            created_at=tx.now,
            updated_at=None,
            **{"description": None, "project_id": None, "attributes": {}, **checked},
        )
        tx.insert(row)
        tx.insert(PoolNamesRow(row.id, pool_of(row).nameservers, None, [], None))
        return pool_of(row)

    def update(self, tx: Tx, pool: Pool, values: dict[str, Any]) -> Pool:
        """Zones that are in it get other names of servers one after the other."""
        row = self._made(pool)
        changed = _checked(values)
        if "name" in changed:
            self._refuse_name(tx, changed["name"], row.id)
        row = tx.update(row, **changed, updated_at=tx.now)
        return pool_of(row)

    def delete(self, tx: Tx, pool: Pool) -> None:
        row = self._made(pool)
        if tx.one(queries.A_ZONE, pool_id=row.id) is not None:
            raise bad_request("pool must not contain zones")
        told = tx.get(PoolNamesRow, row.id)
        if told is not None:
            tx.delete(told)
        tx.delete(row)

    def told(self, tx: Tx) -> list[PoolNamesRow]:
        return tx.all(queries.NAMES)

    @staticmethod
    def _made(pool: Pool) -> PoolRow:
        if pool.row is None:
            raise bad_request("This pool is one of the settings: it is changed there")
        return pool.row

    def _refuse_name(self, tx: Tx, name: str, own_id: str) -> None:
        other = tx.one(queries.NAMED, name=name)
        if any(pool.name == name for pool in self.fixed) or (
            other is not None and other.id != own_id
        ):
            raise duplicate("Pool", "pool")


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    if "name" in values:
        name = checks.text_of("name", values["name"], MOST_NAME)
        if not name:
            raise InvalidObject(wrong(["name"], "a pool has a name", "minLength", 1))
        checked["name"] = name
    if "description" in values:
        most = checks.MOST_DESCRIPTION
        checked["description"] = checks.text_of("description", values["description"], most)
    if "project_id" in values:
        checked["project_id"] = checks.text_of("project_id", values["project_id"], 64)
    if "attributes" in values:
        checked["attributes"] = checks.attributes_of(values["attributes"] or {})
    if "ns_records" in values:
        checked["ns_records"] = _servers(values["ns_records"])
    return checked


def _servers(value: Any) -> list[NsRecord]:
    field = "ns_records"
    if not isinstance(value, list) or not 0 < len(value) <= MOST_SERVERS:
        message = f"{value!r:.200} is no list of 1 to {MOST_SERVERS} servers"
        raise InvalidObject(wrong([field], message, "type", "list"))
    found: dict[str, NsRecord] = {}
    for index, each in enumerate(value):
        if not isinstance(each, dict) or not each.keys() <= {"hostname", "priority"}:
            message = f"{each!r:.200} is no hostname with its priority"
            raise InvalidObject(wrong([field, index], message, "type", "object"))
        hostname = checks.name_of("hostname", each.get("hostname"))
        if names.fault_of(hostname) is not None or hostname in found:
            raise InvalidObject(wrong([field, index], f"'{hostname}' is no name, or there twice"))
        priority = checks.number_of("priority", each.get("priority"), 0, MOST_PRIORITY)
        found[hostname] = NsRecord(hostname, priority)
    return list(found.values())
