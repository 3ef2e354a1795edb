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
from cumulo.shared_file_system.model.access import AccessRow, SnapshotAccessRow
from cumulo.shared_file_system.model.message import LOSS, OF_VERBS
from cumulo.shared_file_system.model.network import ServerRow
from cumulo.shared_file_system.model.pool import PoolRow
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.model.type import INHERITS, MOUNTS
from cumulo.shared_file_system.queries import network as network_queries
from cumulo.shared_file_system.queries import share as share_queries
from cumulo.shared_file_system.queries import snapshot as snapshot_queries
from cumulo.shared_file_system.queries import type as type_queries
from cumulo.shared_file_system.service.pools import KIND
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

APPLYING = "applying"
"""The step that an agent tells when it is at work with a share's rules."""
_ENDS = ("create", "extend", "shrink", "revert")
"""Verbs of shares whose end is told."""


class SharesPart:
    """Implements `core.hosts.conductor.Part`."""

    kind = KIND
    item_type = orders.Wanted
    seen_type = orders.Seen
    host_type = orders.SeenPool

    def __init__(self, service: SharedFileSystemService) -> None:
        self._networks = service.networks
        self._shares = service.shares
        self._changes = service.changes
        self._managing = service.managing
        self._rules = service.rules
        self._snapshots = service.snapshots
        self._snapshot_rules = service.snapshot_rules
        self._messages = service.messages

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
        kept = [row for row in tx.all(snapshot_queries.BY_IDS, ids=wanted)
                if row.host_id == host_id]  # fmt: skip
        return found | self._snapshot_orders(tx, kept)

    def _snapshot_orders(self, tx: Tx, rows: Sequence[SnapshotRow]) -> dict[str, orders.Wanted]:
        """With who may mount them, where their types say that they can be."""
        if not rows:
            return {}
        ids = sorted({row.share_id for row in rows})
        shares = {row.id: row for row in tx.all(share_queries.BY_IDS, ids=ids)}
        types = {
            row.id: row
            for row in tx.all(type_queries.BY_IDS, ids=sorted({s.type_id for s in shares.values()}))
        }
        own = self._snapshot_rules.of(tx, [row.id for row in rows])
        of_shares = self._rules.of(tx, ids)
        found: dict[str, orders.Wanted] = {}
        for row in rows:
            share = shares[row.share_id]
            kind = types[share.type_id]
            rules: Sequence[AccessRow | SnapshotAccessRow] = own.get(row.id, ())
            if kind.says(INHERITS):
                rules = of_shares.get(share.id, ())
            server = share.server_id if kind.says(MOUNTS) else None
            found[row.id] = _snapshot(row, server, rules)
        return found

    def host(self, tx: Tx, host_id: str, state: orders.SeenPool) -> None:
        known = tx.get(PoolRow, host_id)
        if known is None:
            known = PoolRow(host_id, "", None, 0, 0, None, None, tx.now)
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
        snapshot = tx.get(SnapshotRow, seen.id)
        if snapshot is not None and snapshot.host_id == host_id:
            if seen.done or seen.failures:
                self._snapshot(tx, snapshot, seen)
            elif seen.step == APPLYING:
                self._snapshot_rules.told(tx, snapshot.id)
            return
        if not (seen.done or seen.failures):
            return
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
                "data_loss": state.data_loss and row.shrink_to is not None,
            }
        if seen.fault is None and seen.done:
            changes["revert_to"] = None
        before = row
        if any(getattr(row, name) != value for name, value in changes.items()):
            row = self._shares.refresh(tx, row, **changes)
        if row.managing and seen.fault is None and row.observed_size:
            row = self._managing.found(tx, row, row.observed_size)
        if row.shrink_to is not None and seen.fault is None and row.observed_size <= row.shrink_to:
            row = self._changes.shrunk(tx, row)
        if row.wanted == "present" and row.observed_size:
            # One that is too full to become smaller is served as it shall be nevertheless.
            self._rules.settled(tx, row.id, None if row.data_loss else seen.fault)
        verb = _verb(before)
        if seen.fault is not None and seen.fault != before.fault:
            emit(tx, f"share.{verb}.error", row.id, project_id=row.project_id, reason=seen.fault)
            why = LOSS if row.data_loss else OF_VERBS[verb]
            self._shares.say(tx, row, why, seen.fault)
        elif verb in _ENDS and row.status != before.status:
            emit(tx, f"share.{verb}.end", row.id, project_id=row.project_id)

    def _snapshot(self, tx: Tx, row: SnapshotRow, seen: Seen) -> None:
        state: orders.Seen | None = seen.state
        if state is not None and state.held:
            return
        made = row.made if state is None else state.size_gb > 0
        if row.wanted == "present" and made:
            self._snapshot_rules.settled(tx, row.id, seen.fault)
        if (row.made, row.fault) == (made, seen.fault):
            return
        managing = row.managing and (seen.fault is not None or not made)
        self._snapshots.refresh(tx, row, made=made, fault=seen.fault, managing=managing)
        verb = "delete" if row.wanted == "absent" else "create"
        if seen.fault is not None:
            where: dict[str, Any] = {"project_id": row.project_id, "id": row.id}
            why = OF_VERBS[verb]
            self._messages.say(tx, why, kind="SHARE_SNAPSHOT", reason=seen.fault, **where)
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
    if row.observed_size < row.size:
        return "extend"
    if row.shrink_to is not None:
        return "shrink"
    return "revert" if row.revert_to is not None else "access"


def _server(row: ServerRow) -> orders.WantedServer:
    first, *more = (
        orders.Port(mac=p.mac, address=p.address, gateway=p.gateway, mtu=p.mtu, tap=p.tap)
        for p in row.plugs
    )
    return orders.WantedServer(id=row.id, more=tuple(more), **msgspec.structs.asdict(first))


def _admitted(rules: Sequence[AccessRow | SnapshotAccessRow]) -> tuple[orders.Rule, ...]:
    return tuple(
        orders.Rule(rule.access_to, rule.access_level if isinstance(rule, AccessRow) else "ro")
        for rule in rules
        if rule.wanted == "present" and not rule.final
    )


def _share(row: ShareRow, server_id: str, rules: Sequence[AccessRow]) -> orders.WantedShare:
    """One that could not be made is left as it is; what a failed rule or change left stays."""
    return orders.WantedShare(
        id=row.id,
        generation=row.generation,
        size_gb=row.size if row.shrink_to is None else row.shrink_to,
        server_id=server_id,
        rules=_admitted(rules),
        snapshot_id=row.snapshot_id,
        made=row.observed_size > 0 or row.managing,
        held=row.wanted == "absent" or (row.fault is not None and row.observed_size == 0),
        shrink=row.shrink_to is not None,
        revert_to=row.revert_to,
    )


def _snapshot(
    row: SnapshotRow, server_id: str | None, rules: Sequence[AccessRow | SnapshotAccessRow]
) -> orders.WantedSnapshot:
    return orders.WantedSnapshot(
        id=row.id,
        share_id=row.share_id,
        made=row.made or row.managing,
        held=row.wanted == "absent" or (row.fault is not None and not row.made),
        server_id=server_id,
        rules=_admitted(rules),
    )
