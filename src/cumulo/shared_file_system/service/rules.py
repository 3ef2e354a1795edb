"""Access rules: who may mount a share. A rule is part of what the share's host is told."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_id
from cumulo.shared_file_system.model.access import AccessRow, access_state
from cumulo.shared_file_system.model.lock import SHOW
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.queries import share as queries
from cumulo.shared_file_system.service.locks import Locks
from cumulo.shared_file_system.service.shares import Shares

MOST_RULES = 100
"""Of one share: all of them are in its order to the host."""
HIDDEN = "******"
"""Instead of whom a rule is for, where somebody has locked that it is shown"""
_USER = re.compile(r"[\w.\-_`;'{}\[\]\\ ]{1,255}")
_NAME = re.compile(r"[ -~]{1,64}")


class Rules:
    listing = queries.RULES

    def __init__(self, shares: Shares, locks: Locks) -> None:
        self._shares = shares
        self._locks = locks

    def of(self, tx: Tx, share_ids: Sequence[str]) -> dict[str, list[AccessRow]]:
        found: dict[str, list[AccessRow]] = {}
        for row in tx.all(queries.RULES_OF, ids=list(share_ids)) if share_ids else ():
            found.setdefault(row.share_id, []).append(row)
        return found

    def get(self, tx: Tx, access_id: str, who: Principal) -> tuple[AccessRow, ShareRow]:
        row = tx.get(AccessRow, access_id)
        share = None if row is None else tx.get(ShareRow, row.share_id)
        if row is None or share is None or not (who.is_admin or share.project_id == who.project_id):
            raise NotFound(f"Share access rule {access_id} could not be found.")
        return row, share

    def refresh(self, tx: Tx, row: AccessRow, **changes: Any) -> AccessRow:
        changed = msgspec.structs.replace(row, **changes)
        return tx.update(row, **changes, state=access_state(changed), updated_at=tx.now)

    def allow(
        self,
        tx: Tx,
        share: ShareRow,
        who: Principal,
        *,
        kind: str,
        to: str,
        level: str,
        metadata: dict[str, str],
        hidden: bool = False,
    ) -> AccessRow:
        """`to` as `clean` gives it. `hidden`: the project's others shall not read it, in events
        either."""
        if share.status != "available":
            raise BadRequest(
                f"Invalid share: New access rules cannot be applied while the share is in status "
                f"{share.status}."
            )
        rules = self.of(tx, [share.id]).get(share.id, [])
        if any((rule.access_type, rule.access_to) == (kind, to) for rule in rules):
            raise BadRequest(f"Share access {kind}:{to} exists.")
        if len(rules) >= MOST_RULES:
            raise BadRequest(
                f"Invalid share: it has {MOST_RULES} access rules, the most there can be."
            )
        fault = None if kind == "ip" else "NFS shares are opened to addresses only (type `ip`)"
        row = AccessRow(
            id=new_id(),
            share_id=share.id,
            project_id=share.project_id,
            access_type=kind,
            access_to=to,
            access_level=level,
            metadata=metadata,
            state="queued_to_apply",
            wanted="present",
            applied=False,
            told=False,
            fault=fault,
            final=fault is not None,
            created_at=tx.now,
            updated_at=None,
        )
        row = msgspec.structs.replace(row, state=access_state(row))
        tx.insert(row)
        shown = HIDDEN if hidden else to
        emit(tx, "share.access.allow", share.id, principal=who, to=shown, level=level)
        if not row.final:
            self._shares.demand_rules(tx, share)
        return row

    def change(
        self, tx: Tx, row: AccessRow, share: ShareRow, who: Principal, level: str
    ) -> AccessRow:
        """Another level (2.88): it is applied anew."""
        if row.access_type != "ip":
            raise BadRequest("Access rule updates are supported for 'ip' access only.")
        if share.status != "available" or row.wanted == "absent":
            raise BadRequest(
                f"Invalid share: its access rules cannot be changed while the share is in status "
                f"{share.status} and the rule {row.state}."
            )
        if row.access_level == level:
            return row
        to = self._told_of(tx, row)
        emit(tx, "share.access.allow", share.id, principal=who, to=to, level=level)
        changes: dict[str, Any] = {"applied": False, "told": False, "fault": None}
        row = self.refresh(tx, row, access_level=level, **changes)
        self._shares.demand_rules(tx, share)
        return row

    def deny(
        self,
        tx: Tx,
        row: AccessRow,
        share: ShareRow,
        who: Principal,
        *,
        unrestrict: bool = False,
    ) -> None:
        if share.revert_to is not None and share.fault is None:
            # A new order would tell its host to do it again.
            raise BadRequest(f"Invalid share: share {share.id} is being reverted: wait.")
        to = self._told_of(tx, row)
        self._locks.unrestrict(tx, row.id, who, unrestrict)
        emit(tx, "share.access.deny", share.id, principal=who, to=to, level=row.access_level)
        if row.final or share.host_id is None:
            self._forget(tx, row)
        elif row.wanted == "present":
            self.refresh(tx, row, wanted="absent", applied=False, told=False, fault=None)
            self._shares.demand_rules(tx, share)

    def _told_of(self, tx: Tx, row: AccessRow) -> str:
        """Whom it is for, as far as events may say it: all of the project can follow them."""
        locked = any(lock.resource_action == SHOW for lock in self._locks.of(tx, row.id))
        return HIDDEN if locked else row.access_to

    def _forget(self, tx: Tx, row: AccessRow) -> None:
        tx.delete(row)
        self._locks.forget(tx, [row.id])

    def told(self, tx: Tx, share_id: str) -> None:
        """The host is at work with the share's newest order."""
        for row in self.of(tx, [share_id]).get(share_id, ()):
            if not (row.told or row.applied or row.final):
                self.refresh(tx, row, told=True)

    def settled(self, tx: Tx, share_id: str, fault: str | None) -> None:
        """The host has done what the newest order said of the rules, or could not."""
        for row in self.of(tx, [share_id]).get(share_id, ()):
            if row.final:
                continue
            if fault is not None:
                if not row.applied and row.fault != fault:
                    self.refresh(tx, row, fault=fault)
            elif row.wanted == "absent":
                self._forget(tx, row)
            elif not row.applied or row.fault:
                self.refresh(tx, row, applied=True, fault=None)


def clean(kind: str, to: str, *, six: bool, cephx: bool = False) -> str:
    """Whom a rule is for, in one form. `six`: IPv6 is understood (2.38); `cephx`: that kind is
    known (2.13). Raises BadRequest."""
    if kind == "ip":
        return _address(to, six)
    if kind == "user" and _USER.fullmatch(to) and len(to) >= 4:
        return to
    if kind == "cert" and _NAME.fullmatch(to.strip()):
        return to.strip()
    if kind == "cephx" and cephx and _NAME.fullmatch(to) and "." not in to:
        return to
    if kind in ("user", "cert") or (kind == "cephx" and cephx):
        raise BadRequest(f"Invalid user, common name or Ceph id: {to:.100}")
    kinds = "ip, user, cert or cephx" if cephx else "ip, user, and cert"
    raise BadRequest(f"Only {kinds} access types are supported.")


def _address(to: str, six: bool) -> str:
    text = to.strip()
    if len(text) > 64 or text.startswith("/") or "%" in text:
        raise BadRequest(f"Invalid IP address or network: {to:.100}")
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        raise BadRequest(
            f"Supported ip format examples: 10.0.0.2, 10.0.0.0/24; not {to:.100}"
        ) from None
    if found.version == 6 and not six:
        raise BadRequest("IPv6 addresses are known from version 2.38 on.")
    return str(found.network_address) if found.prefixlen == found.max_prefixlen else str(found)
