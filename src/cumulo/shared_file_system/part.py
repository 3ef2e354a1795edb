"""The conductor's side of shares: what a host keeps and serves, and what it sees of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest
from cumulo.core.hosts.messages import Seen
from cumulo.core.hosts.model import UnknownRow
from cumulo.shared_file_system.model import orders
from cumulo.shared_file_system.model.access import AccessRow
from cumulo.shared_file_system.model.network import ServerRow
from cumulo.shared_file_system.model.pool import PoolRow
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.queries import network as network_queries
from cumulo.shared_file_system.queries import share as share_queries
from cumulo.shared_file_system.queries import snapshot as snapshot_queries
from cumulo.shared_file_system.service.pools import KIND
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

APPLYING = "applying"
"""The step that an agent tells when it is at work with a share's rules."""


class SharesPart:
    """Implements `core.hosts.conductor.Part`."""

    kind = KIND
    item_type = orders.Wanted
    seen_type = orders.Seen
    host_type = orders.SeenPool

    def __init__(self, service: SharedFileSystemService) -> None:
        self._networks = service.networks
        self._shares = service.shares
        self._rules = service.rules
        self._snapshots = service.snapshots

    def items(self, tx: Tx, host_id: str, ids: Sequence[str]) -> Mapping[str, orders.Wanted]:
        if not ids:
            return {}
        wanted = list(ids)
        found: dict[str, orders.Wanted] = {}
        for server in tx.all(network_queries.SERVERS_BY_IDS, ids=wanted):
            if server.host_id == host_id:
                found[server.id] = _server(server)
        rules = self._rules.of(tx, wanted)
        for share in tx.all(share_queries.BY_IDS, ids=wanted):
            if share.host_id == host_id and share.server_id is not None:
                found[share.id] = _share(share, share.server_id, rules.get(share.id, ()))
        for snapshot in tx.all(snapshot_queries.BY_IDS, ids=wanted):
            if snapshot.host_id == host_id:
                found[snapshot.id] = _snapshot(snapshot)
        return found

    def host(self, tx: Tx, host_id: str, state: orders.SeenPool) -> None:
        known = tx.get(PoolRow, host_id)
        if known is None:
            known = PoolRow(host_id, "", None, 0, 0, None, tx.now)
            tx.insert(known)
        changes = msgspec.structs.asdict(state)
        if any(getattr(known, name) != value for name, value in changes.items()):
            tx.update(known, updated_at=tx.now, **changes)

    def seen(self, tx: Tx, host_id: str, seen: Seen, *, newest: bool) -> None:
        """What is not about today's order is no news: the next report is."""
        if not newest:
            return
        share = tx.get(ShareRow, seen.id)
        if share is not None and share.host_id == host_id:
            if seen.done or seen.failures:
                self._share(tx, share, seen)
            elif seen.step == APPLYING:
                self._rules.told(tx, share.id)
            return
        if not (seen.done or seen.failures):
            return
        snapshot = tx.get(SnapshotRow, seen.id)
        if snapshot is not None and snapshot.host_id == host_id:
            self._snapshot(tx, snapshot, seen)
        server = tx.get(ServerRow, seen.id)
        if server is not None and server.host_id == host_id:
            self._server(tx, server, seen)

    def gone(self, tx: Tx, host_id: str, id: str) -> None:
        share = tx.get(ShareRow, id)
        if share is not None and share.host_id == host_id and share.wanted == "absent":
            self._shares.forget(tx, share)
        snapshot = tx.get(SnapshotRow, id)
        if snapshot is not None and snapshot.host_id == host_id and snapshot.wanted == "absent":
            self._snapshots.forget(tx, snapshot)
        server = tx.get(ServerRow, id)
        if server is not None and server.host_id == host_id and server.wanted == "absent":
            self._networks.forget(tx, server)

    def adopt(self, tx: Tx, row: UnknownRow, project_id: str) -> Mapping[str, Any]:
        raise BadRequest(
            f"{row.id} cannot be adopted: a share is reached through a share network, which "
            "nobody can tell from its files. Copy them into a new share."
        )

    def _share(self, tx: Tx, row: ShareRow, seen: Seen) -> None:
        state: orders.Seen | None = seen.state
        if state is not None and state.held:
            return  # nothing was done to it
        changes: dict[str, Any] = {"observed_generation": row.generation, "fault": seen.fault}
        if state is not None:
            # Of a share that is lost it stays known how large it was: it is not made anew.
            changes |= {
                "observed_size": state.size_gb or row.observed_size,
                "lost": state.size_gb == 0 and row.observed_size > 0,
            }
        before = row
        if any(getattr(row, name) != value for name, value in changes.items()):
            row = self._shares.refresh(tx, row, **changes)
        if row.wanted == "present" and row.observed_size:
            self._rules.settled(tx, row.id, seen.fault)
        verb = _verb(before)
        if seen.fault is not None and seen.fault != before.fault:
            emit(tx, f"share.{verb}.error", row.id, project_id=row.project_id, reason=seen.fault)
        elif verb in ("create", "extend") and row.status != before.status:
            emit(tx, f"share.{verb}.end", row.id, project_id=row.project_id)

    def _snapshot(self, tx: Tx, row: SnapshotRow, seen: Seen) -> None:
        state: orders.Seen | None = seen.state
        if state is not None and state.held:
            return
        made = row.made if state is None else state.size_gb > 0
        if (row.made, row.fault) == (made, seen.fault):
            return
        self._snapshots.refresh(tx, row, made=made, fault=seen.fault)
        verb = "delete" if row.wanted == "absent" else "create"
        if seen.fault is not None:
            name = f"share.snapshot.{verb}.error"
            emit(tx, name, row.id, project_id=row.project_id, reason=seen.fault)
        elif made and not row.made:
            emit(tx, "share.snapshot.create.end", row.id, project_id=row.project_id)

    def _server(self, tx: Tx, row: ServerRow, seen: Seen) -> None:
        observed = seen.fault is None
        if (row.observed, row.fault) == (observed, seen.fault):
            return
        tx.update(row, observed=observed, fault=seen.fault, updated_at=tx.now)
        if seen.fault is not None:
            emit(tx, "share.server.error", row.id, project_id=row.project_id, reason=seen.fault)


def _verb(row: ShareRow) -> str:
    if row.wanted == "absent":
        return "delete"
    if row.observed_size == 0:
        return "create"
    return "extend" if row.observed_size < row.size else "access"


def _server(row: ServerRow) -> orders.WantedServer:
    return orders.WantedServer(
        id=row.id,
        mac=row.mac,
        address=row.address,
        gateway=row.gateway,
        mtu=row.mtu,
        tap=row.tap,
    )


def _share(row: ShareRow, server_id: str, rules: Sequence[AccessRow]) -> orders.WantedShare:
    """One that could not be made is left as it is; what a failed rule or extension left stays."""
    admitted = [rule for rule in rules if rule.wanted == "present" and not rule.final]
    return orders.WantedShare(
        id=row.id,
        generation=row.generation,
        size_gb=row.size,
        server_id=server_id,
        rules=tuple(orders.Rule(rule.access_to, rule.access_level) for rule in admitted),
        snapshot_id=row.snapshot_id,
        made=row.observed_size > 0,
        held=row.wanted == "absent" or (row.fault is not None and row.observed_size == 0),
    )


def _snapshot(row: SnapshotRow) -> orders.WantedSnapshot:
    return orders.WantedSnapshot(
        id=row.id,
        share_id=row.share_id,
        made=row.made,
        held=row.wanted == "absent" or row.fault is not None,
    )
