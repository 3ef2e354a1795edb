"""Queries of nodes."""

import sqlalchemy as sa

from cumulo.baremetal.model.node import NodeRow
from cumulo.core.db.listing import Listing, absent, contains_folded, equals, is_null, one_of
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement

_c = columns(NodeRow)


def _of_project(name: str) -> "sa.ColumnElement[bool]":
    """That it owns or has lent."""
    found: sa.ColumnElement[bool] = (_c.owner == sa.bindparam(name)) | (
        _c.lessee == sa.bindparam(name)
    )
    return found


NODES = Listing(
    NodeRow,
    filters={
        "instance_uuid": equals(_c.instance_uuid),
        "unassociated": is_null(_c.instance_uuid),
        "maintenance": equals(_c.maintenance),
        "provision_state": equals(_c.provision_state),
        "driver": equals(_c.driver),
        "resource_class": equals(_c.resource_class),
        "conductor_group": equals(_c.conductor_group),
        "owner": equals(_c.owner),
        "lessee": equals(_c.lessee),
        "project": _of_project,
        "retired": equals(_c.retired),
        "fault": equals(_c.fault),
        "faultless": absent(_c.fault),
        "chassis_id": equals(_c.chassis_id),
        "parent_node": equals(_c.parent_node),
        "shard": one_of(_c.shard),
        "unsharded": is_null(_c.shard),
        "instance_name": equals(_c.instance_name),
        "description_contains": contains_folded(_c.description),
    },
    sort_keys={
        "id": _c.id,
        **{
            name: _c[name]
            for name in (
                "name",
                "driver",
                "provision_state",
                "power_state",
                "target_provision_state",
                "target_power_state",
                "provision_updated_at",
                "maintenance",
                "maintenance_reason",
                "instance_uuid",
                "owner",
                "description",
                "resource_class",
                "conductor_group",
                "protected",
                "protected_reason",
                "automated_clean",
                "last_error",
                "inspection_started_at",
                "inspection_finished_at",
                "lessee",
                "retired",
                "retired_reason",
                "shard",
                "fault",
                "instance_name",
                "boot_mode",
                "created_at",
                "updated_at",
            )
        },
    },
    default_sort=(("created_at", "asc"),),
)
NAMED = query(NodeRow, sa.select(NodeRow.sql_table).where(_c.name == sa.bindparam("name")))
COUNT = statement(sa.select(sa.func.count()).select_from(NodeRow.sql_table))
