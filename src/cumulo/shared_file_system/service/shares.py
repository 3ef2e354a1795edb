"""Shares: the verbs. Each writes what is wanted; hosts make it so, and the status follows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Forbidden, NotFound
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id
from cumulo.shared_file_system.meters import SHARES
from cumulo.shared_file_system.model.message import NO_HOST, Why
from cumulo.shared_file_system.model.network import ServerRow, ShareNetworkRow
from cumulo.shared_file_system.model.share import AFFINITY, APART, ShareRow, share_status
from cumulo.shared_file_system.model.snapshot import SnapshotRow
from cumulo.shared_file_system.model.type import HANDLES_SERVERS, INHERITS, TypeRow
from cumulo.shared_file_system.queries import network as networks
from cumulo.shared_file_system.queries import share as queries
from cumulo.shared_file_system.queries import snapshot as snapshots
from cumulo.shared_file_system.service.locks import Locks
from cumulo.shared_file_system.service.messages import Messages
from cumulo.shared_file_system.service.networks import ShareNetworks
from cumulo.shared_file_system.service.pools import KIND, ZONE, Found, Pools
from cumulo.shared_file_system.service.quotas import ShareQuotas

PROTOCOLS = ("NFS",)
KNOWN_PROTOCOLS = ("NFS", "CIFS", "GLUSTERFS", "HDFS", "CEPHFS", "MAPRFS")
MOST_GB = 65536
MOST_ENSURED = 1000
"""Shares of a host that are told anew at once"""
DELETABLE = (
    "available", "error", "inactive", "extending_error", "shrinking_error", "error_deleting",
    "shrinking_possible_data_loss_error", "reverting_error",
)  # fmt: skip

MOST_NAMED = 25
"""Shares that a share was made beside, or apart from"""


class Shares:
    listing = queries.SHARES

    def __init__(
        self,
        registry: HostRegistry,
        pools: Pools,
        quotas: ShareQuotas,
        networks: ShareNetworks,
        locks: Locks,
        messages: Messages,
    ) -> None:
        self._registry = registry
        self._pools = pools
        self._quotas = quotas
        self._networks = networks
        self._locks = locks
        self._messages = messages

    # --- reading ----------------------------------------------------------------------------

    def get(self, tx: Tx, share_id: str, who: Principal) -> ShareRow:
        """A share of the caller's project or a public one (an administrator: any)."""
        row = tx.get(ShareRow, share_id)
        mine = row is not None and row.project_id == who.project_id
        if row is None or not (who.is_admin or mine or row.is_public):
            raise NotFound(f"Share {share_id} could not be found.")
        return row

    def known(self, tx: Tx, share_id: str) -> ShareRow:
        """A share of whomever: the caller says who may see it."""
        row = tx.get(ShareRow, share_id)
        if row is None:
            raise NotFound(f"Share {share_id} could not be found.")
        return row

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    def servers_of(self, tx: Tx, rows: Sequence[ShareRow]) -> Mapping[str, ServerRow]:
        ids = sorted({row.server_id for row in rows if row.server_id})
        return {each.id: each for each in tx.all(networks.SERVERS_BY_IDS, ids=ids)} if ids else {}

    def states_of(self, tx: Tx, rows: Sequence[ShareRow]) -> dict[str, list[str]]:
        """The states that access rules of these shares have."""
        found: dict[str, list[str]] = {}
        ids = [row.id for row in rows]
        for share_id, state in tx.tuples(queries.STATES_OF, ids=ids) if ids else ():
            found.setdefault(share_id, []).append(state)
        return found

    # --- writing ----------------------------------------------------------------------------

    def refresh(self, tx: Tx, row: ShareRow, **changes: Any) -> ShareRow:
        """Write changes, and the status that follows from them."""
        changed = msgspec.structs.replace(row, **changes)
        saved = tx.update(row, **changes, status=share_status(changed), updated_at=tx.now)
        SHARES.changed(tx, row, saved)
        return saved

    def demand(self, tx: Tx, row: ShareRow, **changes: Any) -> ShareRow:
        """What is wanted changes: a new generation, without the fault of the old one."""
        told = {"generation": row.generation + 1, "fault": None, "data_loss": False}
        row = self.refresh(tx, row, **{**told, **changes})
        if row.host_id is not None:
            tell = self._registry.touch if row.wanted == "present" else self._registry.remove
            tell(tx, row.host_id, KIND, row.id)
        return row

    def create(
        self,
        tx: Tx,
        who: Principal,
        project_id: str,
        *,
        kind: TypeRow,
        protocol: str,
        size: int,
        network: ShareNetworkRow | None,
        snapshot: SnapshotRow | None,
        name: str | None,
        description: str | None,
        metadata: dict[str, str],
        is_public: bool,
        only_host: str | None = None,
        beside: Sequence[ShareRow] = (),
        apart: Sequence[ShareRow] = (),
    ) -> ShareRow:
        """Raises BadRequest, QuotaExceeded. No room is no refusal but a share in `error`."""
        self.refuse_size(kind, size)
        served = self._served(tx, kind, network)
        self._quotas.take(tx, project_id, who.user_id, kind.id, shares=1, gigabytes=size)
        self._quotas.check_size(tx, project_id, size)
        if beside:
            together = {row.host_id for row in beside if row.host_id}
            only_host = together.pop() if len(together) == 1 else "the host of all of them"
        without = {row.host_id for row in apart if row.host_id}
        found = self._place(tx, size, kind, snapshot, only_host, without)
        host_id = found.host_id
        fault = None if host_id else f"No valid host was found. {'; '.join(found.reasons)}"
        server = None
        if served is not None and host_id is not None:
            server = self._networks.serve(tx, served, host_id, ZONE)
        row = empty_share(
            id=new_id(),
            project_id=project_id,
            user_id=who.user_id,
            name=name,
            description=description,
            size=size,
            protocol=protocol,
            type_id=kind.id,
            share_network_id=network.id if network else None,
            server_id=server.id if server else None,
            host_id=host_id,
            snapshot_id=snapshot.id if snapshot else None,
            metadata=metadata,
            is_public=is_public,
            availability_zone=ZONE,
            fault=fault,
            created_at=tx.now,
        )
        row = msgspec.structs.replace(row, status=share_status(row))
        tx.insert(row)
        SHARES.changed(tx, None, row)
        why = {"fault": fault} if fault else {"host": host_id}
        emit(tx, "share.create.start", row.id, project_id=project_id, principal=who, **why)
        if host_id is not None:
            self._registry.touch(tx, host_id, KIND, row.id)
        else:
            self.say(tx, row, found.why, fault or "")
        for key, others in ((AFFINITY, beside), (APART, apart)):
            row = self._stand(tx, row, key, others)
        return row

    def _stand(self, tx: Tx, row: ShareRow, key: str, others: Sequence[ShareRow]) -> ShareRow:
        """Each knows of the others. Raises BadRequest: of more than there can be."""
        for other in others:
            names = [*_names_in(other, key), row.id]
            tx.update(other, metadata={**other.metadata, key: _joined(names)})
        if not others:
            return row
        return tx.update(row, metadata={**row.metadata, key: _joined([o.id for o in others])})

    def _part(self, tx: Tx, row: ShareRow) -> None:
        """It is named nowhere any more."""
        for key in (AFFINITY, APART):
            for id in _names_in(row, key):
                other = tx.get(ShareRow, id)
                if other is None or row.id not in _names_in(other, key):
                    continue
                names = [each for each in _names_in(other, key) if each != row.id]
                left = {k: v for k, v in other.metadata.items() if k != key}
                tx.update(other, metadata=left | ({key: _joined(names)} if names else {}))

    def _served(
        self, tx: Tx, kind: TypeRow, network: ShareNetworkRow | None
    ) -> ShareNetworkRow | None:
        """Where it is reached: in the project's share network, or in its type's."""
        if kind.says(HANDLES_SERVERS) and network is None:
            raise BadRequest(
                "Share network must be set when the driver_handles_share_servers is true."
            )
        if not kind.says(HANDLES_SERVERS) and network is not None:
            raise BadRequest(
                "Share network must not be set when the driver_handles_share_servers is false."
            )
        served = self._networks.of_type(tx, kind) if network is None else network
        if served is not None:
            self._networks.places(tx, served, ZONE)
        return served

    def _place(
        self,
        tx: Tx,
        size: int,
        kind: TypeRow,
        snapshot: SnapshotRow | None,
        only: str | None,
        without: Collection[str],
    ) -> Found:
        """A host for it; what is made from a snapshot is made where that is."""
        if snapshot is not None and only not in (None, snapshot.host_id):
            return Found(None, [f"the snapshot is on {snapshot.host_id}"], NO_HOST)
        only = snapshot.host_id if snapshot else only
        return self._pools.take(tx, size, kind, only=only, without=without)

    def say(self, tx: Tx, row: ShareRow, why: Why, reason: str) -> None:
        """Why it failed, for its project."""
        where: dict[str, Any] = {"project_id": row.project_id, "id": row.id, "kind": "SHARE"}
        self._messages.say(tx, why, reason=reason, **where)

    def refuse_size(self, kind: TypeRow, size: int) -> None:
        """2.61: bounds of the type."""
        bounds = [
            kind.extra_specs.get(f"provisioning:{which}_share_size") for which in ("min", "max")
        ]
        least, most = (
            int(text) if text and len(text) < 10 and text.isdecimal() else None for text in bounds
        )
        if (least is not None and size < least) or (most is not None and size > most):
            raise BadRequest(
                f"Invalid input received: Requested share size of {size}GiB is not between the "
                f"{least or 1} and {most or MOST_GB} GiB that share type {kind.name} allows."
            )

    def update(self, tx: Tx, row: ShareRow, who: Principal, **changes: Any) -> ShareRow:
        """Name, description, metadata, is_public."""
        row = tx.update(row, updated_at=tx.now, **changes)
        emit(tx, "share.update", row.id, principal=who, changed=sorted(changes))
        return row

    def delete(self, tx: Tx, row: ShareRow, who: Principal | None, *, force: bool = False) -> None:
        self._locks.refuse_locked(tx, row.id)
        if not force and row.status not in DELETABLE:
            raise Forbidden(
                f"Invalid share: Share status must be one of {', '.join(DELETABLE)}, "
                f"but current status is: {row.status}."
            )
        dependent = int(tx.value(snapshots.COUNT_OF, share_id=row.id))
        if dependent:
            raise Forbidden(f"Invalid share: Share still has {dependent} dependent snapshots.")
        emit(tx, "share.delete.start", row.id, project_id=row.project_id, principal=who)
        if row.host_id is None:
            self.forget(tx, row)
        elif row.wanted == "present" or row.fault:
            self.demand(tx, row, wanted="absent", declared=None)

    def forget(self, tx: Tx, row: ShareRow, *, told: bool = True) -> None:
        """It is gone from its host: row, rules, capacity and quota go together. `told`: as one that
        was deleted."""
        rules = [rule.id for rule in tx.all(queries.RULES_OF, ids=[row.id])]
        self._locks.forget(tx, [row.id, *rules])
        self._part(tx, row)
        tx.delete(row)
        SHARES.changed(tx, row, None)
        self._pools.give_back(tx, row.host_id, row.size)
        amounts = {"shares": 1, "gigabytes": row.size}
        self._quotas.give_back(tx, row.project_id, row.user_id, row.type_id, **amounts)
        if told:
            emit(tx, "share.delete.end", row.id, project_id=row.project_id)

    def demand_rules(self, tx: Tx, row: ShareRow) -> ShareRow:
        """Who may mount it changes; and who may mount its snapshots, where they inherit that."""
        row = self.demand(tx, row)
        kind = tx.get(TypeRow, row.type_id)
        if kind is not None and kind.says(INHERITS):
            for each in tx.all(snapshots.OF_SHARE, share_id=row.id):
                if each.wanted == "present":
                    self._registry.touch(tx, each.host_id, KIND, each.id)
        return row

    def ensure_all(self, tx: Tx, host_id: str) -> None:
        """Tell the host its shares anew."""
        rows = self.listing.page(tx, where={"host_id": host_id}, limit=MOST_ENSURED)
        for row in rows:
            if row.wanted == "present":
                self._registry.touch(tx, host_id, KIND, row.id)

    def reset(self, tx: Tx, row: ShareRow, status: str, who: Principal) -> None:
        """Forget the failure and look again. A word that differs from what is then seen is kept
        as the administrator's own, until the next reset. What was to become smaller, or to become
        a snapshot, and could not, stays as it is."""
        row = self.demand(tx, row, declared=None, shrink_to=None, data_loss=False, revert_to=None)
        if status != row.status:
            self.refresh(tx, row, declared=status)
        emit(tx, "share.reset", row.id, principal=who, status=status)


def _names_in(row: ShareRow, key: str) -> list[str]:
    return [id for id in row.metadata.get(key, "").split(",") if id][:MOST_NAMED]


def _joined(ids: Sequence[str]) -> str:
    if len(ids) > MOST_NAMED:
        raise BadRequest(
            f"Invalid input received: hints name a share that {MOST_NAMED} others are named with "
            "already, or more than so many."
        )
    return ",".join(ids)


def empty_share(**known: Any) -> ShareRow:
    """One of which nothing is seen yet."""
    unseen: dict[str, Any] = {
        "status": "",
        "wanted": "present",
        "generation": 1,
        "observed_generation": 0,
        "observed_size": 0,
        "lost": False,
        "fault": None,
        "declared": None,
        "shrink_to": None,
        "data_loss": False,
        "revert_to": None,
        "delete_at": None,
        "location_metadata": {},
        "task_state": None,
        "managing": False,
        "snapshot_id": None,
        "updated_at": None,
    }
    return ShareRow(**{**unseen, **known})
