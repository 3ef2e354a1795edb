"""Bare metal's own settings: the table `[baremetal]` of `cumulo.toml`."""

from typing import Annotated, ClassVar, Literal

import msgspec

Seconds = Annotated[int, msgspec.Meta(ge=10, le=86400)]


class BaremetalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "baremetal"

    bmc_networks: list[str] = []
    """Networks (CIDR) in which BMCs are; nothing else is spoken to on behalf of a node. The farm's
    own BMC needs no word here."""
    agent_networks: list[str] = []
    """Networks (CIDR) in which deploy ramdisks get their addresses: the provisioning network. The
    farm's needs no word here."""
    agent_url: str = ""
    """The URL of the bare metal API as machines on the provisioning network reach it; empty: the
    cloud's own, which has to be reachable from there."""
    media_url: str = ""
    """The same for BMCs, which fetch virtual media; empty: the cloud's own."""
    deploy_kernel: str = ""
    deploy_ramdisk: str = ""
    """Files of another deploy ramdisk (with a stock ironic-python-agent, say); empty: Cumulo's,
    which knows virtual machines and plain disks."""
    callback_timeout: Seconds = 1800
    """How long a machine may take from power on to its agent's first word."""
    work_timeout: Seconds = 6 * 3600
    """How long an agent may take for one command: writing an image, erasing disks."""
    erase: Literal["devices", "metadata"] = "devices"
    """What automated cleaning erases: `devices`, everything; `metadata`, partition tables and
    labels alone, which is quick and leaves tenants' data readable for the next one."""
    power_seconds: Annotated[int, msgspec.Meta(ge=0, le=86400)] = 60
    """How often the power of each node is asked for; 0: never."""
