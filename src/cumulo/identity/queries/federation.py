"""Queries of federation."""

import sqlalchemy as sa

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.identity.model.federation import (
    FederatedUserRow,
    IdentityProviderRow,
    MappingRow,
    ProtocolRow,
    RemoteIdRow,
    ServiceProviderRow,
    SignOnRow,
)
from cumulo.identity.queries.expiry import ended

_i, _p, _s = columns(IdentityProviderRow), columns(ProtocolRow), columns(ServiceProviderRow)
_m, _r = columns(MappingRow), columns(RemoteIdRow)
_f = columns(FederatedUserRow)

PROVIDERS = Listing(
    IdentityProviderRow,
    filters={"id": equals(_i.id), "enabled": equals(_i.enabled)},
    sort_keys={"id": _i.id},
    default_sort=(("id", "asc"),),
)
OF_DOMAIN = query(
    IdentityProviderRow,
    sa.select(IdentityProviderRow.sql_table).where(_i.domain_id == sa.bindparam("domain_id")),
)
PROTOCOLS = Listing(
    ProtocolRow,
    filters={"idp_id": equals(_p.idp_id), "id": equals(_p.id), "mapping_id": equals(_p.mapping_id)},
    sort_keys={"id": _p.id},
    default_sort=(("id", "asc"),),
)
MAPPINGS = Listing(MappingRow, filters={}, sort_keys={"id": _m.id}, default_sort=(("id", "asc"),))
SERVICE_PROVIDERS = Listing(
    ServiceProviderRow,
    filters={"id": equals(_s.id), "enabled": equals(_s.enabled)},
    sort_keys={"id": _s.id},
    default_sort=(("id", "asc"),),
)
DROP_REMOTE_IDS = statement(
    sa.delete(RemoteIdRow.sql_table).where(_r.idp_id == sa.bindparam("idp_id_"))
)
BY_UNIQUE_ID = query(
    FederatedUserRow,
    sa.select(FederatedUserRow.sql_table).where(
        _f.idp_id == sa.bindparam("idp_id"),
        _f.protocol_id == sa.bindparam("protocol_id"),
        _f.unique_id == sa.bindparam("unique_id"),
    ),
)
DROP_LINKS = statement(
    sa.delete(FederatedUserRow.sql_table).where(_f.user_id == sa.bindparam("user_id_"))
)
EXPIRED_SIGN_ONS = ended(SignOnRow, "expires")
SIGN_ONS = statement(sa.select(sa.func.count()).select_from(SignOnRow.sql_table))
