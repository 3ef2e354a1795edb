"""The control nodes of a cloud: who they are, and how another one joins or leaves.

Several are for PostgreSQL alone. The first one has the files (of images, of objects) and its own
machine as a host; those that join have neither: they answer all APIs, work on what is in the
database, and hand requests for files on to the first.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from cumulo.core.clock import later
from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.hosts.machines import NAME, Machines
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id
from cumulo.core.nodes import queries
from cumulo.core.nodes.hellos import JoinedNode
from cumulo.core.nodes.leases import Leases, is_alive
from cumulo.core.nodes.me import this_node
from cumulo.core.nodes.model import EDITION, NodeRow, NodeTokenRow
from cumulo.core.nodes.shared import Shared
from cumulo.settings import Settings, written_in

MOST_TOKENS = 100
_LOCAL = re.compile(r"@(localhost|127\.[0-9.]+|\[::1\])?[:/]|@/|host=/")


class Nodes:
    """One per process."""

    def __init__(
        self, settings: Settings, database: Database, machines: Machines, shared: Shared
    ) -> None:
        self.me = this_node(settings.data_dir)
        address, port = settings.link_address
        shown = f"[{address}]" if ":" in address else address
        row = NodeRow(
            self.me.id,
            self.me.name,
            f"wss://{shown}:{port}",
            settings.node.content,
            seen=0.0,
            draining=False,
            edition=EDITION,
        )
        self.leases = Leases(database, row)
        self.shared = shared
        self.content = settings.node.content
        self.grown = database.several
        self._settings = settings
        self._machines = machines
        self.on_changed: Callable[[], None] = lambda: None
        """Told on any thread when nodes were removed."""
        self.changed = Announcement("control_nodes", lambda: self.on_changed())

    # --- joining ------------------------------------------------------------------------------

    def new_token(self, tx: Tx, minutes: int) -> str:
        """What is typed at the machine. Raises Conflict."""
        if not self.grown:
            raise Conflict(
                "Several control nodes need PostgreSQL: url in [database] of cumulo.toml."
            )
        if is_nowhere(self._settings.link_address[0]):
            raise Conflict(
                "The other nodes cannot dial every address: name one of this machine's as "
                "management in [networks] of cumulo.toml."
            )
        tx.run(queries.DROP_TOKENS, before=tx.now)
        if len(tx.all(queries.TOKENS, most=MOST_TOKENS)) >= MOST_TOKENS:
            raise Conflict("There are too many tokens already; they go with their time.")
        secret = secrets.token_hex(16)
        tx.insert(NodeTokenRow(_hash(secret), later(tx.now, minutes * 60), tx.now))
        tx.after_commit(self._machines.needed.set)
        return f"{secret}-{self._machines.authority.fingerprint}"

    def expected(self, tx: Tx) -> bool:
        """Whether another node may dial."""
        others = any(row.id != self.me.id for row in tx.all(queries.NODES))
        return others or bool(tx.all(queries.TOKENS, most=1))

    def join(self, tx: Tx, secret: str, name: str, registry: HostRegistry) -> tuple[str, str]:
        """The new node's id, and the cloud's. Raises Forbidden, BadRequest, Conflict."""
        token = tx.get(NodeTokenRow, _hash(secret))
        if token is None or token.expires_at < tx.now:
            raise Forbidden("This token is not good, or not any more.")
        if not NAME.fullmatch(name):
            raise BadRequest("A node's name has letters, digits, dots and dashes, at the most 64.")
        if tx.one(queries.NAMED, name=name) is not None:
            raise Conflict(f"There is a control node {name} already: another --name.")
        tx.delete(token)
        made = new_id()
        # It says itself where it is when it starts.
        tx.insert(NodeRow(made, name, "", False, 0.0, False))
        emit(tx, "node.join", made, name=name)
        return made, registry.cloud_id(tx)

    def package(self, id: str, cloud: str) -> JoinedNode:
        """All that a new node needs. Blocks."""
        return JoinedNode(
            id,
            cloud,
            self._settings.database.url,
            self.shared.bundle(),
            shared_settings(written_in(self._settings.data_dir)),
            self._settings.fake,
        )

    # --- what operators do --------------------------------------------------------------------

    def all(self, tx: Tx) -> list[tuple[NodeRow, bool]]:
        """Each, and whether it lives."""
        now = float(tx.value(queries.NOW))
        return [(row, is_alive(row, now)) for row in tx.all(queries.NODES)]

    def places(self, tx: Tx) -> list[str]:
        """Where hosts may dial in: at nodes that say so of themselves, this one among them."""
        if not self.grown:
            return []
        urls = [row.url for row in tx.all(queries.NODES) if row.url]
        return [url for url in urls if not is_nowhere(_address(url))]

    def at_work(self, tx: Tx) -> dict[str, list[str]]:
        """Each node's id → the parts of the work that it does."""
        now, found = float(tx.value(queries.NOW)), dict[str, list[str]]()
        for row in tx.all(queries.LEASES):
            if row.until > now:
                found.setdefault(row.node_id, []).append(row.name)
        return found

    def remove(self, tx: Tx, name: str) -> None:
        """It is no control node any more. Raises NotFound, Conflict."""
        row = tx.one(queries.NAMED, name=name)
        if row is None:
            raise NotFound(f"There is no control node {name}.")
        if row.content:
            raise Conflict(f"{name} has the cloud's files: it cannot leave.")
        if is_alive(row, float(tx.value(queries.NOW))) and not row.draining:
            raise Conflict(f"{name} is at work: first, over there: ./cumulo down")
        tx.run(queries.LEASES_OF, node=row.id)
        tx.update(row, removed=True)
        tx.after_commit(self.changed)
        emit(tx, "node.remove", row.id, name=name)


def shared_settings(written: Mapping[str, Any]) -> dict[str, Any]:
    """Of a `cumulo.toml`, without what is one machine's own."""
    own = ("listen", "data_dir", "database", "node", "fake", "tables")
    found = {name: value for name, value in written.items() if name not in own}
    networks = found.get("networks")
    if isinstance(networks, Mapping):
        found["networks"] = {n: v for n, v in networks.items() if n not in ("management", "guest")}
    return found


def is_nowhere(address: str) -> bool:
    """Whether it stands for all addresses of a machine: nobody can dial that."""
    return address in ("0.0.0.0", "::", "")


def _address(url: str) -> str:
    """Of `wss://ADDRESS:PORT`."""
    return url.partition("://")[2].rpartition(":")[0].strip("[]")


def is_local(url: str) -> bool:
    """Whether a database's URL names the machine that it is written on."""
    return _LOCAL.search(url) is not None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
