"""What other services may know of compute: the events that it emits, and how bare metal and compute
speak of machines that servers have whole."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from cumulo.compute.meters import METERS
from cumulo.core.db.transaction import Tx
from cumulo.core.events.types import events, on


class MetalNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node as compute has to know it."""

    id: str
    resource_class: str | None
    """None: it is not to be given to servers."""
    usable: bool
    """Nobody has it, and it can be deployed."""
    traits: Sequence[str] = ()
    vcpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0


class MetalWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a server wants of its node."""

    server_id: str
    name: str
    project_id: str
    user_id: str
    present: bool
    image_id: str | None
    deploy: bool
    """It was never deployed: it may be begun."""
    rebuild: bool
    """Another image is to be on it, which was not begun yet."""
    power: Literal["on", "off"]
    reboot: Literal["soft", "hard"] | None
    rescue: bool
    password: str
    config_drive: dict[str, Any]
    """Its parts: `meta_data`, `network_data`, `user_data`."""


class MetalServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that has a node, or is to."""

    id: str
    name: str
    deploy: bool
    """It was never deployed: the node may be taken."""


class MetalSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it. `gone`: the node is nobody's, or another's. `begun`: the verb that this
    call has begun."""

    state: Literal["working", "there", "gone", "failed"]
    power: Literal["on", "off", "absent"] = "absent"
    reason: str = ""
    begun: (
        Literal["deploy", "rebuild", "reboot", "power", "rescue", "unrescue", "undeploy"] | None
    ) = None


class MetalNodes(Protocol):
    """What compute asks of bare metal, which implements it: bound late."""

    def plug(self, tx: Tx, node_id: str, server: MetalServer, ports: Sequence[str]) -> None:
        """The node is this server's if it is nobody's and the server's to begin with; its cards
        have these ports of networks and no others, and the ports their addresses. Nothing where
        its network interface knows no ports, or that is so already. Raises a Fault."""

    def advance(self, tx: Tx, node_id: str, wish: MetalWish) -> MetalSeen:
        """The next step towards that, if one can be begun now; it raises nothing."""


class MetalHosts(Protocol):
    """What bare metal tells compute of its nodes, in the transactions that change them."""

    def told(self, tx: Tx, node: MetalNode) -> None:
        """It is there, or has changed."""

    def gone(self, tx: Tx, node_id: str) -> None:
        """It is no node any more. Raises Conflict as long as a server has it."""


ACTIONS = {
    "create": {"name": str},
    "delete": {},
    "reboot": {"kind": str},
    "start": {},
    "stop": {},
    "pause": {},
    "unpause": {},
    "attach_volume": {"volume": str},
    "detach_volume": {"volume": str},
    "suspend": {},
    "resume": {},
    "rescue": {},
    "unrescue": {},
    "rebuild": {},
    "resize": {},
    "migrate": {},
    "evacuate": {},
    "confirmResize": {},
    "revertResize": {},
    "createImage": {"image": str},
    "createBackup": {"image": str},
    "shelve": {},
    "shelveOffload": {},
    "unshelve": {},
    "restore": {},
    "swap_volume": {"volume": str},
    "attach_interface": {"port": str},
    "detach_interface": {"port": str},
}
"""What is asked of a server and takes its time: `.start` when it is asked for, then `.end` or
`.error`."""

EVENTS = (
    *events(
        "compute",
        *(on("server", f"compute.server.{name}.start", **more) for name, more in ACTIONS.items()),
        *(on("server", f"compute.server.{name}.end", reason=None) for name in ACTIONS),
        *(on("server", f"compute.server.{name}.error", reason=str) for name in ACTIONS),
        on("server", "compute.server.createImage", image=str),
        on("server", "compute.server.changePassword", "compute.server.trigger_crash_dump"),
        on("server", "compute.server.migration", status=str, host=str),
        on("server", "compute.server.lock", reason=str | None),
        on("server", "compute.server.unlock"),
        on("server", "compute.server.schedule", host=str | None, considered=dict[str, str]),
        on("server", "compute.server.reset_state", state=str),
        on("server", "compute.server.stopped", crashed=bool, reason=str | None),
        on("server", "compute.server.update", changed=list[str]),
        on("keypair", "compute.keypair.create", "compute.keypair.delete", user=str),
        on("server_group", "compute.server_group.create", policy=str),
        on("server_group", "compute.server_group.delete"),
        on("flavor", "compute.flavor.create", name=str),
        on(
            "flavor",
            "compute.flavor.update",
            changed=list[str] | None,
            access_added=str | None,
            access_dropped=str | None,
        ),
        on("flavor", "compute.flavor.delete"),
        on("aggregate", "compute.aggregate.create", name=str),
        on("aggregate", "compute.aggregate.update", changed=list[str]),
        on("aggregate", "compute.aggregate.delete"),
        on("aggregate", "compute.aggregate.cache_images", images=int, hosts=int),
        on("host", "compute.host.create", vcpus=int),
        on("host", "compute.host.delete"),
        on(
            "service",
            "compute.service.update",
            disabled=bool | None,
            disabled_reason=str | None,
            forced_down=bool | None,
        ),
    ),
    *(event for each in METERS for event in each.declared("compute")),
)
