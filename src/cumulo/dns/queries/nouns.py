"""Queries of the nouns that administrators keep, of shares, transfers and tasks."""

from typing import Any

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, Sort, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.dns.model.blacklist import BlacklistRow
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.task import TaskRow
from cumulo.dns.model.tld import TldRow
from cumulo.dns.model.transfer import TransferAcceptRow, TransferRequestRow
from cumulo.dns.model.tsigkey import TsigkeyRow
from cumulo.dns.model.zone import ShareRow
from cumulo.dns.queries.zone import like

_OLDEST: Sort = (("created_at", "asc"),)
MOST_BLACKLISTS = 1000


def _times(c: Any, *more: str) -> dict[str, Any]:
    return {name: c[name] for name in ("created_at", "id", "updated_at", *more)}


_t = columns(TldRow)
TLDS = Listing(
    TldRow,
    filters={"name": like(_t.name), "description": like(_t.description)},
    sort_keys=_times(_t, "name"),
    default_sort=_OLDEST,
)
TLDS_NAMED = query(
    TldRow, sa.select(TldRow.sql_table).where(_t.name.in_(sa.bindparam("names", expanding=True)))
)
ANY_TLD = query(TldRow, sa.select(TldRow.sql_table).limit(1))

_b = columns(BlacklistRow)
BLACKLISTS = Listing(
    BlacklistRow,
    filters={"pattern": equals(_b.pattern), "description": like(_b.description)},
    sort_keys=_times(_b, "pattern"),
    default_sort=_OLDEST,
)
BLACKLIST_OF = query(
    BlacklistRow, sa.select(BlacklistRow.sql_table).where(_b.pattern == sa.bindparam("pattern"))
)
PATTERNS = statement(sa.select(_b.pattern).order_by(_b.id).limit(MOST_BLACKLISTS))

_k = columns(TsigkeyRow)
TSIGKEYS = Listing(
    TsigkeyRow,
    filters={
        "name": like(_k.name),
        "algorithm": like(_k.algorithm),
        "scope": like(_k.scope),
    },
    sort_keys=_times(_k, "name"),
    default_sort=_OLDEST,
)
TSIGKEY_NAMED = query(
    TsigkeyRow,
    sa.select(TsigkeyRow.sql_table)
    .where(sa.func.lower(_k.name).in_((sa.bindparam("name"), sa.bindparam("dotted"))))
    .limit(1),
)
ALL_TSIGKEYS = query(TsigkeyRow, sa.select(TsigkeyRow.sql_table).order_by(_k.id))

_s = columns(ShareRow)
_r = columns(RecordsetRow)
SHARES = Listing(
    ShareRow,
    filters={
        "zone_id": equals(_s.zone_id),
        "target_project_id": equals(_s.target_project_id),
    },
    sort_keys=_times(_s),
    default_sort=_OLDEST,
)
DROP_SHARES = statement(sa.delete(ShareRow.sql_table).where(_s.zone_id == sa.bindparam("zone_id")))
RECORDSET_OF_PROJECT = query(
    RecordsetRow,
    sa.select(RecordsetRow.sql_table)
    .where(_r.zone_id == sa.bindparam("zone_id"), _r.project_id == sa.bindparam("project_id"))
    .limit(1),
)
GIVE_RECORDSETS = statement(
    sa.update(RecordsetRow.sql_table)
    .where(_r.zone_id == sa.bindparam("of_zone"), _r.project_id == sa.bindparam("giver"))
    .values(project_id=sa.bindparam("taker"))
)

_q = columns(TransferRequestRow)


def _concerns(name: str) -> Any:
    project: sa.BindParameter[str] = sa.bindparam(name)
    return sa.or_(_q.project_id == project, _q.target_project_id == project)


OPEN_REQUEST = query(
    TransferRequestRow,
    sa.select(TransferRequestRow.sql_table)
    .where(_q.zone_id == sa.bindparam("zone_id"), _q.status == "ACTIVE")
    .limit(1),
)
END_REQUESTS = statement(
    sa.delete(TransferRequestRow.sql_table).where(
        _q.zone_id == sa.bindparam("of_zone"),
        _q.status == "ACTIVE",
        _q.id != sa.bindparam("but"),
    )
)
MOST_DONE = 100
"""Offers of a project that were taken, and imports and exports, that are remembered."""
DONE_REQUESTS = statement(
    sa.select(_q.id)
    .where(_q.project_id == sa.bindparam("project_id"), _q.status != "ACTIVE")
    .order_by(_q.updated_at.desc(), _q.id)
    .offset(MOST_DONE)
)
TRANSFER_REQUESTS = Listing(
    TransferRequestRow,
    filters={"concerns": _concerns, "status": equals(_q.status)},
    sort_keys=_times(_q),
    default_sort=_OLDEST,
)
_a = columns(TransferAcceptRow)
DONE_ACCEPTS = statement(
    sa.select(_a.id)
    .where(_a.project_id == sa.bindparam("project_id"))
    .order_by(_a.created_at.desc(), _a.id)
    .offset(MOST_DONE)
)
TRANSFER_ACCEPTS = Listing(
    TransferAcceptRow,
    filters={"project_id": equals(_a.project_id), "status": equals(_a.status)},
    sort_keys=_times(_a),
    default_sort=_OLDEST,
)
_x = columns(TaskRow)
TASKS = Listing(
    TaskRow,
    filters={
        "type": equals(_x.type),
        "project_id": equals(_x.project_id),
        "status": equals(_x.status),
        "zone_id": equals(_x.zone_id),
        "message": like(_x.message),
    },
    sort_keys=_times(_x),
    default_sort=_OLDEST,
)
OLD_TASKS = statement(
    sa.select(_x.id)
    .where(_x.project_id == sa.bindparam("project_id"), _x.type == sa.bindparam("type"))
    .order_by(_x.created_at.desc(), _x.id)
    .offset(MOST_DONE)
)
