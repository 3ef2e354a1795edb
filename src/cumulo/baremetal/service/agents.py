"""Agents: who is expected, who has called, and what they prove.

A row says that a machine shall boot into the ramdisk, for one job. Its token is new for each boot
and stands on the medium alone: who asks by the lookup is never told it, and who calls without it
is nobody.
"""

import datetime
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from cumulo.baremetal.model.agent import AgentRow, Secrets
from cumulo.baremetal.model.hardware import Agent, Agents, Boot, Ramdisks
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.queries import port as port_queries
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.of_nodes import MOST_OF_NODE
from cumulo.baremetal.service.ports import mac_of
from cumulo.baremetal.service.secrets import MASK, Seal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.core.work.jobs import Jobs

HEARTBEAT_SECONDS = 60
MOST_CA = 16 * 1024
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.I)


class Heartbeat(msgspec.Struct, frozen=True):
    callback_url: str
    token: str | None
    version: str | None
    verify_ca: str | None
    status: str | None
    status_message: str | None


class AgentsService:
    def __init__(
        self, nodes: Nodes, jobs: Jobs, seal: Seal, calls: Agents, ramdisks: Ramdisks
    ) -> None:
        self._nodes = nodes
        self._jobs = jobs
        self._seal = seal
        self.calls = calls
        self.ramdisks = ramdisks

    def of(self, tx: Tx, node: str) -> AgentRow | None:
        return tx.get(AgentRow, node)

    def secrets(self, row: AgentRow) -> Secrets:
        return msgspec.json.decode(self._seal.decrypt(row.sealed), type=Secrets)

    def boot(self, row: AgentRow) -> Boot:
        found = self.secrets(row)
        return Boot(row.id, found.token, found.ticket, found.certificate, found.key)

    def agent(self, row: AgentRow) -> Agent:
        """Only of one that has called."""
        assert row.url is not None
        found = self.secrets(row)
        return Agent(row.url, found.token, row.verify_ca or found.certificate)

    def expect(self, tx: Tx, node: str, job: str) -> AgentRow:
        """The machine will boot for this job: the row that is there, or a new one."""
        there = self.of(tx, node)
        if there is not None and there.job == job:
            return there
        if there is not None:
            tx.delete(there)
        certificate, key = _certificate(node)
        held = Secrets(new_id(), secrets.token_urlsafe(24), certificate, key)
        row = AgentRow(
            id=node,
            job=job,
            sealed=self._seal.encrypt(msgspec.json.encode(held).decode()),
            url=None,
            verify_ca=None,
            version=None,
            seen_at=None,
            status=None,
            status_message=None,
            created_at=tx.now,
        )
        tx.insert(row)
        return row

    def forget(self, tx: Tx, node: str) -> None:
        """Its boot is over: its token is worth nothing any more."""
        row = self.of(tx, node)
        if row is not None:
            tx.delete(row)
        tx.after_commit(lambda: self.ramdisks.forget(node))

    # --- what agents ask -----------------------------------------------------------------------

    def lookup(self, tx: Tx, addresses: str | None, node: str | None) -> NodeRow:
        """The node that asks, by its id or the addresses of its cards. Unknown ones, nodes that no
        agent is expected of, and addresses of several nodes are all the same 404."""
        macs = [text.strip() for text in (addresses or "").split(",") if text.strip()]
        if node is None and not macs:
            raise BadRequest("Either node_uuid or addresses is needed")
        if len(macs) > MOST_OF_NODE:
            raise BadRequest(f"A node has at most {MOST_OF_NODE} addresses")
        if node is not None and not _UUID.fullmatch(node):
            raise BadRequest(f"Expected a UUID but received {node[:100]}.")
        # Cards that are no Ethernet (InfiniBand) have longer addresses: no port has those.
        known = [mac_of(text) for text in macs if len(text) == 17]
        row = self._by_id(tx, node) if node is not None else self._by_cards(tx, known)
        if row is None or not self._expected(tx, row):
            raise NotFound("Node could not be found, or nothing is expected of it.")
        return row

    def _by_id(self, tx: Tx, node: str) -> NodeRow | None:
        return tx.get(NodeRow, node.lower())

    def _by_cards(self, tx: Tx, macs: Sequence[str]) -> NodeRow | None:
        found = {
            port.node_id
            for mac in macs
            if (port := tx.one(port_queries.WITH_ADDRESS, address=mac)) is not None
        }
        return tx.get(NodeRow, found.pop()) if len(found) == 1 else None

    def _expected(self, tx: Tx, row: NodeRow) -> bool:
        there = self.of(tx, row.id)
        return there is not None and there.job == row.job

    def config(self) -> dict[str, Any]:
        """What a lookup tells besides the node. The token came with the medium: it is masked."""
        return {
            "metrics": {
                "backend": "noop",
                "prepend_host": False,
                "prepend_uuid": False,
                "prepend_host_reverse": True,
                "global_prefix": None,
            },
            "metrics_statsd": {"statsd_host": "localhost", "statsd_port": 8125},
            "heartbeat_timeout": HEARTBEAT_SECONDS,
            "agent_token": MASK,
            "agent_token_required": True,
            "agent_md5_checksum_enable": False,
            "disable_deep_image_inspection": False,
            "permitted_image_formats": ["raw", "qcow2"],
        }

    def heartbeat(self, tx: Tx, ident: str, beat: Heartbeat) -> None:
        row = self._nodes.get(tx, ident)
        there = self.of(tx, row.id)
        if not beat.token:
            raise BadRequest("Agent token is required for heartbeat processing.")
        if there is None or there.job != row.job:
            raise Conflict(f"Nothing is expected of node {row.id} now.")
        if not hmac.compare_digest(beat.token.encode(), self.secrets(there).token.encode()):
            raise BadRequest("Invalid or missing agent token received.")
        problem = self.calls.problem(self._nodes.machine(row).info, beat.callback_url)
        if problem is not None:
            raise BadRequest(problem)
        if beat.verify_ca is not None and len(beat.verify_ca) > MOST_CA:
            raise BadRequest(f"agent_verify_ca has at most {MOST_CA} characters")
        tx.update(
            there,
            url=beat.callback_url.rstrip("/"),
            verify_ca=beat.verify_ca,
            version=beat.version,
            seen_at=tx.now,
            status=beat.status,
            status_message=beat.status_message,
        )
        self._jobs.nudge(tx, there.job)

    def booting(self, tx: Tx, address: str) -> tuple[NodeRow, AgentRow]:
        """Whom this network card starts into the ramdisk just now. Raises NotFound."""
        node = self._by_cards(tx, [mac_of(address)])
        there = None if node is None else self.of(tx, node.id)
        if node is None or there is None or there.job != node.job or there.url is not None:
            raise NotFound("Nothing is to be booted here.")
        if node.interfaces.get("boot") != "ipxe":
            raise NotFound("Nothing is to be booted here.")
        return node, there

    def ticketed(self, tx: Tx, node: str, ticket: str) -> AgentRow:
        """The boot that this ticket is of. Raises NotFound."""
        row = tx.get(AgentRow, node)
        if row is None or not hmac.compare_digest(
            self.secrets(row).ticket.encode(), ticket.encode("utf-8", "replace")
        ):
            raise NotFound("There is nothing here.")
        return row


def _certificate(node: str) -> tuple[str, str]:
    """A new certificate and its key, PEM: of one agent for one boot."""
    # Megabytes that only clouds with machines need.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, node)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of machines that were off are wrong.
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), secret.decode()
