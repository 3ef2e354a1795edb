"""Machines that join as hosts: the tokens that let them in, their certificates, their leaving.

A token is good once and for a while; of its secret only the hash is kept. A host is let in by a
certificate whose serial number is noted with it, so removing the host, or letting the machine join
again, ends what an older certificate could do, at once.
"""

import asyncio
import datetime
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cumulo.core.clock import later, to_moment
from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.hosts import queries
from cumulo.core.hosts.model import HostRow, MachineRow, TokenRow
from cumulo.core.hosts.registry import HostRegistry

if TYPE_CHECKING:
    from cumulo.core.hosts.authority import Authority

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?")
MOST_TOKENS = 1000
MOST_SERIALS = 64


class Machines:
    """`secrets_dir`: where the authority is kept."""

    def __init__(self, registry: HostRegistry, secrets_dir: Path) -> None:
        self._registry = registry
        self._secrets_dir = secrets_dir
        self._authority: Authority | None = None
        self.needed = asyncio.Event()
        """Set as soon as a machine may dial."""
        self.on_removed: Callable[[str], None] = lambda host_id: None
        """Told after the commit."""
        self.on_changed: Callable[[], None] = lambda: None
        """Told on any thread when another control node has removed some, or let them join again."""
        self.changed = Announcement("machines", lambda: self.on_changed())

    @property
    def authority(self) -> "Authority":
        """Made, and its library imported, when the first machine is expected."""
        if self._authority is None:
            from cumulo.core.hosts.authority import Authority

            self._authority = Authority(self._secrets_dir)
        return self._authority

    # --- tokens -------------------------------------------------------------------------------

    def new_token(self, tx: Tx, name: str | None, minutes: int) -> str:
        """What is typed at the machine. `name`: only the host of this name may join with it,
        also one that is there already (it joins again)."""
        if name is not None and not NAME.fullmatch(name):
            raise BadRequest("A host's name has letters, digits, dots and dashes, at the most 64.")
        tx.run(queries.DROP_TOKENS, before=tx.now)
        if len(tx.all(queries.TOKENS, most=MOST_TOKENS)) >= MOST_TOKENS:
            raise Conflict("There are too many tokens already; they go with their time.")
        secret = secrets.token_hex(16)
        tx.insert(TokenRow(_hash(secret), name, later(tx.now, minutes * 60), tx.now))
        tx.after_commit(self.needed.set)
        return f"{secret}-{self.authority.fingerprint}"

    def expected(self, tx: Tx) -> bool:
        """Whether a machine may dial: one has joined, or there is a token."""
        return bool(tx.all(queries.TOKENS, most=1) or tx.all(queries.MACHINES, most=1))

    # --- joining ------------------------------------------------------------------------------

    def join(self, tx: Tx, secret: str, name: str, request: bytes) -> tuple[HostRow, bytes]:
        """The new host and its certificate. Raises Forbidden, BadRequest, Conflict."""
        token = tx.get(TokenRow, _hash(secret))
        if token is None or token.expires_at < tx.now or token.name not in (None, name):
            raise Forbidden("This token is not good, or not any more, or not for this name.")
        if not NAME.fullmatch(name):
            raise BadRequest("A host's name has letters, digits, dots and dashes, at the most 64.")
        host, machine = self._registry.get(tx, name), tx.get(MachineRow, name)
        if host is not None and (machine is None or token.name != name):
            raise Conflict(
                f"There is a host {name} already. Choose another --name; or, to let it join again, "
                f"make a token for it: cumulo host token create --name {name}"
            )
        certificate, serial, end = self.authority.sign_host(name, request)
        tx.delete(token)
        if host is None:
            host = self._registry.register(tx, name, [])
            tx.insert(MachineRow(name, [serial], _moment(end), tx.now))
        else:
            assert machine is not None
            host = self._registry.grow_epoch(tx, host, host.epoch, "the machine has joined again")
            tx.update(machine, serials=[serial], expires_at=_moment(end))
            tx.after_commit(lambda: self.on_removed(name))
            tx.after_commit(self.changed)
        emit(tx, "host.join", name, expires_at=_moment(end))
        return host, certificate

    def renew(self, tx: Tx, host_id: str, serial: str, request: bytes) -> bytes:
        """Another certificate; those before are good until a later one is used, since answers may
        be lost. `serial`: of the connection that asks."""
        machine = tx.get(MachineRow, host_id)
        if machine is None or serial not in machine.serials:
            raise NotFound(f"There is no host {host_id}.")
        certificate, new, end = self.authority.sign_host(host_id, request)
        if len(machine.serials) >= MOST_SERIALS:
            raise Conflict("There are too many certificates of this host that it has never used.")
        tx.update(machine, serials=[*machine.serials, new], expires_at=_moment(end))
        return certificate

    def is_good(self, tx: Tx, host_id: str, serial: str) -> bool:
        """Whether a certificate still is one of a host's."""
        machine = tx.get(MachineRow, host_id)
        return machine is not None and serial in machine.serials

    def admit(self, tx: Tx, host_id: str, serial: str) -> HostRow | None:
        """The host, if this certificate is one of its good ones."""
        machine = tx.get(MachineRow, host_id)
        if machine is None or serial not in machine.serials:
            return None
        used = machine.serials.index(serial)
        if used > 0:
            tx.update(machine, serials=machine.serials[used:])
        return self._registry.get(tx, host_id)

    # --- what operators do --------------------------------------------------------------------

    def machines(self, tx: Tx) -> dict[str, MachineRow]:
        return {row.host_id: row for row in tx.all(queries.MACHINES, most=100_000)}

    def enable(self, tx: Tx, host_id: str, wanted: bool) -> HostRow:
        """Whether it may be given new work."""
        host = self.host(tx, host_id)
        if host.enabled != wanted:
            self._registry.enable(tx, host_id, wanted)
            emit(tx, "host.enable" if wanted else "host.disable", host_id)
        return self.host(tx, host_id)

    def left_on(self, tx: Tx, host_id: str) -> Mapping[str, int]:
        """How many things it still has, by the kind of work."""
        return {str(k): int(n) for k, n in tx.tuples(queries.ITEM_COUNTS, h=host_id)}

    def check_empty(self, tx: Tx, host_id: str) -> HostRow:
        """The host, if nothing is wanted on it. Raises NotFound, Conflict."""
        host = self.host(tx, host_id)
        if tx.get(MachineRow, host_id) is None:
            raise Conflict(f"{host_id} is the control plane's own host, which cannot be removed.")
        left = self.left_on(tx, host_id)
        if left:
            told = ", ".join(f"{count} of {kind}" for kind, count in sorted(left.items()))
            raise Conflict(f"{host_id} still has things: {told}. Disable it and remove them first.")
        return host

    def remove(self, tx: Tx, host_id: str) -> None:
        """It is no host any more, and its certificate is good for nothing."""
        tx.delete(self.host(tx, host_id))
        emit(tx, "host.remove", host_id)
        tx.after_commit(lambda: self.on_removed(host_id))
        tx.after_commit(self.changed)

    def host(self, tx: Tx, host_id: str) -> HostRow:
        host = self._registry.get(tx, host_id)
        if host is None:
            raise NotFound(f"There is no host {host_id}.")
        return host


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _moment(moment: datetime.datetime) -> str:
    return to_moment(moment.timestamp())
