"""Where machines are: which BMCs may be spoken to, and how agents and their cloud reach each other.

A node's driver_info is what an administrator wrote, what a BMC or an agent answers is what a
stranger says: no connection goes anywhere that the operator has not named. Machines of the farm
stand in a network namespace of their own; connections to their agents are made inside it.
"""

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cumulo.baremetal.farm.farm import Farm, FarmFault
from cumulo.baremetal.farm.place import GATEWAY, MASK
from cumulo.baremetal.model.hardware import Rejected
from cumulo.core.run.namespaces import in_namespace

CONNECT_SECONDS = 10.0
_FARM = ipaddress.ip_network(f"{GATEWAY}/{MASK}", strict=False)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Place:
    """Of one machine."""

    agent_url: str
    """The bare metal API, as the machine reaches it."""
    media_url: str
    """The same, as its BMC does."""
    namespace: str | None
    networks: Sequence[Network]
    """Where its agent may be."""


class Places:
    def __init__(
        self,
        farm: Farm,
        *,
        bmcs: Sequence[str],
        agents: Sequence[str],
        agent_url: str,
        media_url: str,
    ) -> None:
        self._farm = farm
        self._bmcs = [ipaddress.ip_network(each) for each in bmcs]
        self._agents = [ipaddress.ip_network(each) for each in agents]
        self._agent_url = agent_url
        self._media_url = media_url

    def of(self, info: Mapping[str, Any]) -> Place:
        """Of a machine with this driver_info."""
        try:
            record = self._farm.record() if self._farm.exists() else None
        except FarmFault:
            record = None
        if record is not None and (
            str(info.get("redfish_address", "")) == record.address
            or record.is_ipmi(str(info.get("ipmi_address")), str(info.get("ipmi_port")))
        ):
            return Place(record.agent_url, self._media_url, record.namespace, [_FARM])
        return Place(self._agent_url, self._media_url, None, self._agents)

    def farm_machine(self, info: Mapping[str, Any]) -> str | None:
        """The id of the farm's machine that this BMC is of; None: it is none of the farm's, or its
        password is not known."""
        try:
            record = self._farm.record() if self._farm.exists() else None
        except FarmFault:
            record = None
        if record is None:
            return None
        if str(info.get("redfish_address", "")).rstrip("/") == record.address:
            named = str(info.get("redfish_system_id") or "").rstrip("/").rpartition("/")[2]
            known = info.get("redfish_password") == record.password
            return (named or self._farm.only()) if known else None
        host, port = str(info.get("ipmi_address")), str(info.get("ipmi_port"))
        if record.is_ipmi(host, port) and info.get("ipmi_password") == record.password:
            return self._farm.numbered(int(port) - record.ipmi_port)
        return None

    def bmc_problem(self, url: str) -> str | None:
        """Why this BMC is not spoken to; looks its name up, so it blocks."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            return f"redfish_address: {url[:200]!r} is no http or https URL"
        if self._farm.exists():
            try:
                if self._farm.record().address == url.rstrip("/"):
                    return None
            except FarmFault:
                return "the farm cannot be read"
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, ValueError):
            return f"redfish_address: there is no host {parts.hostname[:200]}"
        for entry in found:
            if not _inside(str(entry[4][0]), self._bmcs):
                return (
                    f"redfish_address: {parts.hostname[:200]} is in none of the networks of BMCs "
                    "that the operator allows ([baremetal] bmc_networks)"
                )
        return None

    def ipmi_address(self, host: str, port: int) -> str:
        """The address that this BMC is spoken to at; blocks. Raises Rejected."""
        try:
            if self._farm.exists() and self._farm.record().is_ipmi(host, str(port)):
                return host
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (FarmFault, OSError, UnicodeError, ValueError):
            raise Rejected(f"ipmi_address: there is no host {host[:200]}") from None
        for entry in found:
            if not _inside(str(entry[4][0]), self._bmcs):
                raise Rejected(
                    f"ipmi_address: {host[:200]} is in none of the networks of BMCs that the "
                    "operator allows ([baremetal] bmc_networks)"
                )
        return str(found[0][4][0])

    def agent_problem(self, info: Mapping[str, Any], url: str) -> str | None:
        """Why an agent at this URL is not spoken to."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "callback_url is no URL"
        if parts.scheme not in ("http", "https") or not parts.hostname or not port:
            return "callback_url is no http or https URL with a port"
        if parts.username or parts.query or parts.fragment or parts.path not in ("", "/"):
            return "callback_url has more than a host and a port"
        if not _inside(parts.hostname, self.of(info).networks):
            return "callback_url is outside of the networks of agents ([baremetal] agent_networks)"
        return None

    def connect(self, info: Mapping[str, Any], host: str, port: int) -> socket.socket:
        """A connection to an agent; blocks. Raises OSError."""
        found: socket.socket = in_namespace(self.of(info).namespace, _connect, host, port)
        return found


def _connect(host: str, port: int) -> socket.socket:
    made = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    made.setblocking(False)
    return made


def _inside(text: str, networks: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return any(address.version == net.version and address in net for net in networks)
