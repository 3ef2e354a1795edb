"""Shares and snapshots that hosts have and the cloud does not know, or shall not know any more.

To unmanage one is to forget its row and its order, and nothing else: a host leaves alone what
nobody speaks of. To manage one is to order it as something that was made already: a host that has
it says how large it is; a host that does not makes nothing, and says so (`manage_error`).
"""

import uuid
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Fault, Forbidden, NotFound
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id
from cumulo.shared_file_system.meters import SHARE_SNAPSHOTS, SHARES
from cumulo.shared_file_system.model.network import ServerRow, server_status
from cumulo.shared_file_system.model.share import ShareRow, share_status
from cumulo.shared_file_system.model.snapshot import SnapshotRow, snapshot_status
from cumulo.shared_file_system.model.type import HANDLES_SERVERS, TypeRow
from cumulo.shared_file_system.queries import snapshot as snapshots
from cumulo.shared_file_system.service.locks import Locks
from cumulo.shared_file_system.service.networks import ShareNetworks
from cumulo.shared_file_system.service.pools import KIND, ZONE, Pools
from cumulo.shared_file_system.service.quotas import ShareQuotas
from cumulo.shared_file_system.service.shares import PROTOCOLS, Shares, empty_share
from cumulo.shared_file_system.service.snapshots import Snapshots

_BUSY = ("creating", "creating_from_snapshot", "deleting", "extending", "shrinking", "reverting",
         "migrating", "migrating_to", "manage_starting")  # fmt: skip


class Managing:
    def __init__(
        self,
        registry: HostRegistry,
        pools: Pools,
        quotas: ShareQuotas,
        locks: Locks,
        networks: ShareNetworks,
        shares: Shares,
        snapshots: Snapshots,
    ) -> None:
        self._registry = registry
        self._pools = pools
        self._quotas = quotas
        self._locks = locks
        self._networks = networks
        self._shares = shares
        self._snapshots = snapshots

    # --- shares -----------------------------------------------------------------------------

    def unmanage(self, tx: Tx, row: ShareRow, who: Principal) -> None:
        self._locks.refuse_locked(tx, row.id)
        if row.status in _BUSY or row.delete_at is not None:
            raise Forbidden(f"Share {row.id} cannot be unmanaged: it is {row.status}.")
        if int(tx.value(snapshots.COUNT_OF, share_id=row.id)):
            raise Forbidden(f"Share {row.id} cannot be unmanaged: it has dependent snapshots.")
        emit(tx, "share.unmanage", row.id, principal=who)
        self._networks.let_go(tx, row.server_id, row.id)
        self._forget_order(tx, row.host_id, row.id)
        self._shares.forget(tx, row, told=False)

    def _forget_order(self, tx: Tx, host_id: str | None, id: str) -> None:
        """The host learns of it when it compares what it has, and keeps the thing."""
        if host_id is not None:
            for item in self._registry.items(tx, host_id, KIND, [id]).values():
                self._registry.forget(tx, item)

    def manage(
        self,
        tx: Tx,
        who: Principal,
        project_id: str,
        *,
        kind: TypeRow,
        server_id: str | None,
        host: str,
        path: str,
        **words: Any,
    ) -> ShareRow:
        """`path`: where it is exported, which ends in its id, or the id; `words`: name and the
        like. Raises BadRequest, Conflict, NotFound, QuotaExceeded."""
        server = self._server(tx, kind, server_id, host)
        id = _id_in(path)
        if id is not None and (tx.get(ShareRow, id) or tx.get(SnapshotRow, id)):
            raise Conflict("Invalid share: Share already exists: it is managed.")
        self._quotas.take(tx, project_id, who.user_id, kind.id, shares=1, gigabytes=1)
        if not self._pools.grow(tx, server.host_id, 1):
            raise BadRequest(f"Invalid share: host {server.host_id} has no room.")
        handles = kind.says(HANDLES_SERVERS)
        row = empty_share(
            id=id or new_id(),
            project_id=project_id,
            user_id=who.user_id,
            size=1,
            type_id=kind.id,
            share_network_id=server.share_network_id if handles else None,
            server_id=server.id,
            host_id=server.host_id,
            availability_zone=ZONE,
            managing=True,
            fault=None if words["protocol"] in PROTOCOLS else "no export server speaks that",
            created_at=tx.now,
            **words,
        )
        row = msgspec.structs.replace(row, status=share_status(row))
        tx.insert(row)
        SHARES.changed(tx, None, row)
        if row.fault is None:
            self._registry.touch(tx, server.host_id, KIND, row.id)
            self._networks.take_back(tx, server.host_id, row.id)
        emit(tx, "share.manage", row.id, project_id=project_id, principal=who, host=server.host_id)
        return row

    def _server(self, tx: Tx, kind: TypeRow, server_id: str | None, host: str) -> ServerRow:
        if server_id is None:
            raise BadRequest(
                "Share server ID parameter is required: a managed share is served by one."
            )
        row = tx.get(ServerRow, server_id)
        if row is None:
            raise BadRequest(f"Share server {server_id:.255} could not be found.")
        if row.host_id != host.partition("@")[0]:
            raise NotFound(f"Share server {row.id} is not on host {host:.255}.")
        if server_status(row) != "active":
            raise Forbidden(f"Share server {row.id} is not active.")
        return row

    def found(self, tx: Tx, row: ShareRow, size: int) -> ShareRow:
        """Its host has it: as large as that, which its project must have the quota for."""
        more = size - row.size
        amounts = {"gigabytes": more}

        def count() -> None:
            self._quotas.take(tx, row.project_id, row.user_id, row.type_id, **amounts)
            assert row.host_id is not None
            if not self._pools.grow(tx, row.host_id, more):
                raise Conflict("its host has promised too much")

        refused = tx.attempt(count) if more else None
        if refused is not None:
            reason = refused.message if isinstance(refused, Fault) else str(refused)
            return self._shares.refresh(tx, row, fault=reason, observed_size=0)
        return self._shares.refresh(tx, row, size=size, managing=False)

    # --- snapshots --------------------------------------------------------------------------

    def unmanage_snapshot(self, tx: Tx, row: SnapshotRow, who: Principal) -> None:
        if row.status in _BUSY:
            raise Forbidden(f"Snapshot {row.id} cannot be unmanaged: it is {row.status}.")
        emit(tx, "share.snapshot.unmanage", row.id, principal=who)
        self._forget_order(tx, row.host_id, row.id)
        self._snapshots.forget(tx, row)

    def manage_snapshot(
        self,
        tx: Tx,
        share: ShareRow,
        who: Principal,
        location: str,
        name: str | None,
        description: str | None,
        metadata: dict[str, str],
    ) -> SnapshotRow:
        """`location`: the id that it has on the share's host."""
        if share.status != "available" or share.host_id is None or share.delete_at is not None:
            raise Conflict(f"Invalid share: it must be available, and is {share.status}.")
        id = _id_in(location)
        if id is not None and (tx.get(SnapshotRow, id) or tx.get(ShareRow, id)):
            raise Conflict(f"Snapshot {location:.255} is managed already.")
        amounts = {"snapshots": 1, "snapshot_gigabytes": share.size}
        self._quotas.take(tx, share.project_id, who.user_id, share.type_id, **amounts)
        row = SnapshotRow(
            id=id or new_id(),
            share_id=share.id,
            project_id=share.project_id,
            user_id=who.user_id,
            name=name,
            description=description,
            size=share.size,
            protocol=share.protocol,
            status="",
            host_id=share.host_id,
            wanted="present",
            generation=1,
            made=False,
            fault=None,
            declared=None,
            managing=True,
            created_at=tx.now,
            updated_at=None,
            metadata=metadata,
        )
        row = msgspec.structs.replace(row, status=snapshot_status(row))
        tx.insert(row)
        SHARE_SNAPSHOTS.changed(tx, None, row)
        self._registry.touch(tx, row.host_id, KIND, row.id)
        emit(tx, "share.snapshot.manage", row.id, principal=who, host=row.host_id)
        return row


def _id_in(path: str) -> str | None:
    """The id that a path ends in; None: it ends in none of ours."""
    text = path.rstrip("/").rpartition("/")[2]
    try:
        return text if str(uuid.UUID(text)) == text else None
    except ValueError:
        return None
