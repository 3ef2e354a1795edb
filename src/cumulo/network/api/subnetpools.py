"""Subnet pools and address scopes on the wire: networking API v2.0."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.network.api.attributes import STANDARD, Noun, admin_or_self, standard_body
from cumulo.network.api.collection import Collection
from cumulo.network.model.subnetpool import AddressScopeRow, SubnetPoolRow
from cumulo.network.service import address_scopes as scopes
from cumulo.network.service import subnetpools as pools
from cumulo.network.service.network import NetworkService
from cumulo.network.service.refusals import not_found

SHOWN = STANDARD | {
    "name",
    "ip_version",
    "prefixes",
    "default_prefixlen",
    "min_prefixlen",
    "max_prefixlen",
    "default_quota",
    "is_default",
    "shared",
    "address_scope_id",
}
SCOPE_SHOWN = frozenset({"id", "project_id", "tenant_id", "name", "shared", "ip_version"})


def subnetpools(network: NetworkService) -> Noun[SubnetPoolRow]:
    return Noun(
        name="subnetpool",
        plural="subnetpools",
        path="subnetpools",
        verbs=network.subnetpools,
        show=_pools,
        shown=SHOWN,
        wishes=pools.SubnetPoolWishes,
        create_only=pools.CREATE_ONLY,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        shared_with=lambda tx, rows, project: network.shares.among(
            tx, [row.id for row in rows], project
        ),
        shows_shared=True,
    )


def _pools(tx: Tx, rows: Sequence[SubnetPoolRow]) -> list[dict[str, Any]]:
    return [
        {
            **standard_body(row),
            "name": row.name,
            "ip_version": row.ip_version,
            "prefixes": row.prefixes,
            # Words, as the real service has them.
            "default_prefixlen": str(row.default_prefixlen),
            "min_prefixlen": str(row.min_prefixlen),
            "max_prefixlen": str(row.max_prefixlen),
            "default_quota": row.default_quota,
            "is_default": row.is_default,
            "shared": row.shared,
            "address_scope_id": row.address_scope_id,
        }
        for row in rows
    ]


def address_scopes(network: NetworkService) -> Noun[AddressScopeRow]:
    return Noun(
        name="address_scope",
        plural="address_scopes",
        path="address-scopes",
        verbs=network.address_scopes,
        show=_scopes,
        shown=SCOPE_SHOWN,
        wishes=scopes.AddressScopeWishes,
        create_only=scopes.CREATE_ONLY,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        shared_with=lambda tx, rows, project: network.shares.among(
            tx, [row.id for row in rows], project
        ),
        shows_shared=True,
        tags=False,
    )


def _scopes(tx: Tx, rows: Sequence[AddressScopeRow]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "project_id": row.project_id,
            "tenant_id": row.project_id,
            "name": row.name,
            "shared": row.shared,
            "ip_version": row.ip_version,
        }
        for row in rows
    ]


class PrefixesBody(msgspec.Struct):
    prefixes: list[str]


class OnboardBody(msgspec.Struct):
    network_id: str


class PoolActionsApi:
    """What is done with a pool besides the verbs that all nouns have."""

    def __init__(self, network: NetworkService, collection: Collection) -> None:
        self._network = network
        self._collection = collection

    def operations(self) -> list[Operation]:
        def named(name: str, handler: Any, body: Any) -> Operation:
            path = f"/v2.0/subnetpools/{{id}}/{name}"
            return Operation("PUT", path, handler, policy=name, early=False, body=body)

        return [
            named("add_prefixes", self.add, PrefixesBody),
            named("remove_prefixes", self.remove, PrefixesBody),
            named("onboard_network_subnets", self.onboard, OnboardBody),
        ]

    def add(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        verbs = self._network.subnetpools
        after = verbs.add_prefixes(tx, row, call.body.prefixes, admin_or_self(call))
        return {"prefixes": after.prefixes}

    def remove(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        verbs = self._network.subnetpools
        after = verbs.remove_prefixes(tx, row, call.body.prefixes, admin_or_self(call))
        return {"prefixes": after.prefixes}

    def onboard(self, call: Call, tx: Tx) -> Any:
        row = self._collection.find(call, tx)
        who = admin_or_self(call)
        network = self._network.networks.get(tx, call.body.network_id, who)
        if who is not None and not who.is_admin and network.project_id != who.project_id:
            raise not_found("network", network.id)
        found = self._network.subnetpools.onboard(tx, row, network.id, who)
        return {"subnetpool_id": row.id, "subnet_ids": [subnet.id for subnet in found]}
