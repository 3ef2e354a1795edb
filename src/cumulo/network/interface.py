"""What other services may ask of network."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.types import events, on
from cumulo.network.meters import METERS

EVENTS = (
    *events(
        "network",
        *(
            on(
                noun,
                *(f"network.{noun}.{verb}" for verb in ("create", "update", "delete")),
                name=str | None,
                cidr=str | None,
                network_id=str | None,
            )
            for noun in (
                "network",
                "subnet",
                "port",
                "security_group",
                "subnetpool",
                "address_scope",
                "address_group",
            )
        ),
        on(
            "rbac_policy",
            *(f"network.rbac_policy.{verb}" for verb in ("create", "update", "delete")),
            object_id=str,
            target=str,
        ),
        on(
            "default_security_group_rule",
            "network.default_security_group_rule.create",
            "network.default_security_group_rule.delete",
        ),
        on(
            "security_group_rule",
            "network.security_group_rule.create",
            "network.security_group_rule.delete",
            security_group_id=str,
        ),
        on("router", "network.router.create", name=str | None),
        on("router", "network.router.delete"),
        on(
            "router",
            "network.router.update",
            interface=str | None,
            removed=str | None,
            subnet_ids=list[str] | None,
        ),
        *(
            on(noun, f"network.{noun}.status", status=str, reason=str | None)
            for noun in ("port", "router", "floatingip")
        ),
        on("floatingip", "network.floatingip.create", address=str),
        on("floatingip", "network.floatingip.update", port_id=str | None),
        on("floatingip", "network.floatingip.delete"),
        on(
            "trunk",
            *(f"network.trunk.{verb}" for verb in ("create", "update", "delete")),
            name=str | None,
        ),
        on(
            "qos_policy",
            *(f"network.qos_policy.{verb}" for verb in ("create", "update", "delete")),
            name=str | None,
        ),
        on(
            "qos_rule",
            *(f"network.qos_rule.{verb}" for verb in ("create", "update", "delete")),
            policy_id=str,
        ),
        on(
            "port_forwarding",
            *(f"network.port_forwarding.{verb}" for verb in ("create", "update", "delete")),
            floatingip_id=str,
        ),
    ),
    *(event for each in METERS for event in each.declared("network")),
)


class FixedIp(msgspec.Struct, frozen=True):
    subnet_id: str
    ip_address: str


class SubnetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """How a guest without DHCP sets itself up in a subnet."""

    id: str
    cidr: str
    gateway: str | None
    dhcp: bool
    address_mode: str | None
    """Of IPv6: `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless`."""
    dns: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    """(network, by which gateway)"""


class PortInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A port as compute sees it."""

    id: str
    project_id: str
    network_id: str
    network_name: str
    mac_address: str
    fixed_ips: tuple[FixedIp, ...]
    floating_ips: tuple[str, ...]
    """Addresses of the floating IPs that lead to this port."""
    security_groups: tuple[str, ...]
    """Names, for compute's view of a server."""
    status: str
    """ACTIVE once the host has wired it."""
    mtu: int
    tap: str
    """Name of the tap device on the host."""
    device_id: str
    host_id: str | None
    tag: str | None = None


class GuestAnswer(msgspec.Struct, frozen=True):
    """An HTTP answer to a guest."""

    status: int
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""


class GuestMetadata(Protocol):
    """What guests are told at 169.254.169.254. Compute implements it: bound late."""

    def answer(
        self, tx: Tx, server_id: str, port_id: str, method: str, path: str, body: bytes = b""
    ) -> GuestAnswer:
        """The answer to a request from a guest's port; 404 unless that port is one which compute
        plugged into this server, and of its project. A POST of the password needs a writing
        transaction."""


class PublishedName(msgspec.Struct, frozen=True):
    """A name that leads to an address, in the zone of that domain."""

    name: str
    domain: str
    address: str


class ServerViews(Protocol):
    """Who keeps what servers' ports look like. Compute implements it: bound late."""

    def changed(self, tx: Tx, server_ids: Sequence[str]) -> None:
        """What `ports_of` says of these servers is another thing from now on."""


class Forwarding(msgspec.Struct, frozen=True):
    """Domains that are asked for at a name server of the cloud: `192.0.2.1` or `192.0.2.1#5353`."""

    server: str = ""
    domains: tuple[str, ...] = ()


class NamePublisher(Protocol):
    """Who answers for the names of ports and floating IPs. DNS implements it: bound late."""

    def publish(self, tx: Tx, project_id: str, holder: str, names: Sequence[PublishedName]) -> bool:
        """These are the names of the port or floating IP `holder` from now on, and no others.
        Names in domains that are no zone of this project (or shared with it) are left out, as are
        those that somebody else has. Whether any is there."""

    def sink(self, tx: Tx, project_id: str) -> str:
        """The domain in which a project's servers have names whatever their networks say; empty:
        none."""

    def forwarding(self, tx: Tx, project_ids: Sequence[str]) -> dict[str, Forwarding]:
        """What the guests of these projects are answered by the cloud; whoever is absent is
        answered nothing."""


class NicRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a server's `networks`: a network (with an address or not) or a port."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


class RuleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a security group lets in."""

    id: str
    group_id: str
    ethertype: str
    protocol: str | None
    from_port: int | None
    to_port: int | None
    cidr: str | None
    remote_group: str | None
    """The name of the group whose members are let in."""
    remote_project_id: str | None


class GroupInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A security group as compute sees it: what it lets in, and nothing of what it lets out."""

    id: str
    name: str
    description: str
    project_id: str
    rules: tuple[RuleInfo, ...]


class RuleWish(msgspec.Struct, frozen=True, kw_only=True):
    group_id: str
    protocol: str | None
    from_port: int | None
    to_port: int | None
    cidr: str | None
    remote_group_id: str | None


class ComputeGroups(Protocol):
    """Security groups for compute's own API, which had them before network was. All raise
    NotFound for what is not the principal's, BadRequest where network has a Conflict."""

    def all(self, tx: Tx, who: Principal, *, everywhere: bool) -> list[GroupInfo]:
        """The project's; `everywhere`: an administrator's question for all projects'."""

    def get(self, tx: Tx, who: Principal, id: str) -> GroupInfo: ...

    def create(self, tx: Tx, who: Principal, name: str, description: str) -> GroupInfo: ...

    def update(self, tx: Tx, who: Principal, id: str, name: str, description: str) -> GroupInfo: ...

    def delete(self, tx: Tx, who: Principal, id: str) -> None: ...

    def add_rule(self, tx: Tx, who: Principal, wish: RuleWish) -> RuleInfo: ...

    def delete_rule(self, tx: Tx, who: Principal, id: str) -> None: ...

    def of_server(self, tx: Tx, server_id: str) -> list[GroupInfo]: ...

    def add_to_server(self, tx: Tx, who: Principal, server_id: str, name: str) -> None:
        """`name` or id. For all of the server's ports that security groups apply to."""

    def remove_from_server(self, tx: Tx, who: Principal, server_id: str, name: str) -> None:
        """NotFound when none of its ports has it."""


class FloatingIpInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An address of the outside that a project has."""

    id: str
    project_id: str
    address: str


class Network(Protocol):
    def floating_ips(self, tx: Tx, project_id: str, most: int) -> list[FloatingIpInfo]:
        """A project's floating IPs, oldest first, `most` at the most."""

    def domains_changed(self, tx: Tx, project_ids: Sequence[str]) -> None:
        """What the guests of these projects are answered by the cloud is another thing now."""

    def floating_ip(self, tx: Tx, id: str) -> FloatingIpInfo | None:
        """Anybody's: who asks says whether its project may know it."""

    def external_cidrs(self, tx: Tx) -> list[str]:
        """The subnets of external networks, which are administrators' to make."""

    @property
    def compute_groups(self) -> ComputeGroups: ...

    def plug_server(
        self,
        tx: Tx,
        principal: Principal,
        *,
        server_id: str,
        hostname: str,
        host_id: str,
        zone: str,
        nics: Sequence[NicRequest] | Literal["auto", "none"],
        security_groups: Sequence[str] = (),
    ) -> list[str]:
        """The ids of ports for a server on a host, in the asked order: made new on a network, or
        taken over when the request names a port. Without a wish ("auto") the project's only
        network is used, none if it has none. `security_groups` are names or ids for new ports;
        empty means the project's `default`.

        Raises BadRequest (unknown network or port, a port in use elsewhere 409, several networks
        possible 409, no address left), QuotaExceeded, all in compute's words.
        """

    def ports_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[PortInfo]]:
        """The ports of servers, in the order in which they were plugged; servers without one are
        absent."""

    def ports_edition(self, tx: Tx) -> int:
        """A number that grows with every change of what `ports_of` says that `ServerViews` is not
        told of: one that may concern any number of servers, say another name of a network."""

    def addresses_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[str]]:
        """Only their addresses, fixed and floating; servers without one are absent."""

    def subnets_of(self, tx: Tx, subnet_ids: Sequence[str]) -> dict[str, SubnetInfo]:
        """Subnets of ports, by their ids; one statement."""

    def unplug(self, tx: Tx, port_id: str) -> None:
        """Take a port from its server: removed if `plug_server` made it, unbound if it was
        given."""

    def move_server(self, tx: Tx, server_id: str, host_id: str | None) -> None:
        """Its ports are on this host from now on; None: on none, and keep their addresses."""

    def unplug_server(self, tx: Tx, server_id: str) -> None:
        """The same for all ports of a server."""


class ServicePlace(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet that a service may be plugged into."""

    network_id: str
    subnet_id: str
    cidr: str
    ip_version: int
    gateway: str | None
    mtu: int


class ServicePort(msgspec.Struct, frozen=True, kw_only=True):
    """A port of a service of the cloud's own (an export server of shares) in somebody's network."""

    id: str
    mac: str
    address: str
    """With prefix"""
    gateway: str | None
    mtu: int
    tap: str
    """Name of the device on the host; a device of another kind under that name is plugged in, too.
    """


class ServicePorts(Protocol):
    def place(self, tx: Tx, who: Principal, network_id: str, subnet_id: str) -> ServicePlace:
        """A subnet that the caller may use, of that network. Raises NotFound, BadRequest."""

    def plug(
        self, tx: Tx, *, holder: str, owner: str, host_id: str, network_id: str, subnet_id: str
    ) -> ServicePort:
        """A port on that host for what `holder` names; `owner` is shown as its device owner. It
        is of no project and filters nothing. Raises Conflict (no address is left)."""

    def unplug(self, tx: Tx, holder: str) -> None:
        """Its ports go."""


class CardPort(msgspec.Struct, frozen=True, kw_only=True):
    """A port that is the network's end of a machine's card."""

    id: str
    mac: str
    mtu: int
    tap: str
    """Name of the device on the host; a device of another kind under that name is plugged in, too.
    """


class CardPorts(Protocol):
    """Ports that machines of bare metal have: servers', or such as compute knows nothing of."""

    def take(
        self,
        tx: Tx,
        who: Principal | None,
        port_id: str,
        *,
        holder: str,
        node: str,
        mac: str | None,
    ) -> None:
        """The port is that node's, with its card's address. It is the server's `holder`, or a free
        one of the caller's project. Raises NotFound; Conflict where it is somebody's already, or
        another port of its network has that address."""

    def bind(
        self,
        tx: Tx,
        port_id: str,
        host_id: str | None,
        *,
        holder: str,
        node: str,
        mac: str | None,
    ) -> CardPort | None:
        """It is on that host from now on (None: on none); None for a port that is gone, or was not
        taken with the same words."""

    def release(self, tx: Tx, port_id: str, *, holder: str, node: str, mac: str | None) -> None:
        """It is on no host, with an address of the cloud's own again, if it was taken so."""
