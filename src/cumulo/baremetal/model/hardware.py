"""What a driver does to a machine: the Protocol, and what it is told.

Each call may be made twice for the same purpose (the process may have died in between), and must
then have the effect of one. `Rejected` is final; everything else is tried again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

POWER_ON, POWER_OFF = "power on", "power off"

INTERFACES = (
    "bios",
    "boot",
    "console",
    "deploy",
    "firmware",
    "inspect",
    "management",
    "network",
    "power",
    "raid",
    "rescue",
    "storage",
    "vendor",
)

NETWORKS = ("noop", "flat", "neutron")
"""Implementations of the network interface: `service.vifs` has what each does."""


class Rejected(Exception):
    """The machine, or what speaks for it, says no; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A node, as its driver sees it: never its row."""

    id: str
    info: Mapping[str, Any]
    """driver_info, passwords in the open."""
    interfaces: Mapping[str, str] = field(default_factory=dict)
    """The implementations that its node has chosen."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was found out of band."""

    properties: Mapping[str, Any]
    addresses: Sequence[str]
    """MAC addresses of its network cards."""
    inventory: Mapping[str, Any] | None = None
    """As agents tell it."""
    power: str | None = None
    """What it is afterwards, where that has changed."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do."""

    interfaces: Mapping[str, str]
    """Interface → the name of its one implementation; none: the driver has no such interface."""
    boot_devices: tuple[str, ...]
    works: tuple[str, ...]
    """Of `inspect`, `clean`, `deploy`: what long work it does."""
    properties: Mapping[str, str]
    """What driver_info may hold, each with a line about it."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Interface → all its implementations, where there are more than one; the first is usual."""
    indicators: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Component → indicator → its states."""
    settings: bool = False
    """BIOS settings can be written."""
    ramdisk: bool = False
    """Long work is done by an agent in a ramdisk, which the machine boots from virtual media."""

    def choices_of(self, interface: str) -> tuple[str, ...]:
        one = self.interfaces.get(interface)
        return self.choices.get(interface) or (() if one is None else (one,))


@dataclass(frozen=True, slots=True)
class Outlet:
    """Where a card's wire ends: at the provisioning network, nowhere, or at a tenant's network."""

    place: Literal["provisioning", "nothing", "network"]
    tap: str = ""
    """Name of the network port's device in the data plane."""
    mtu: int = 1500


class Switch(Protocol):
    """What the cards of machines are wired to."""

    host: str | None
    """The host in whose data plane its wires to tenants' networks end; None: they carry nothing."""

    def drives(self, machine: "Machine", mac: str) -> bool:
        """Whether that card of that machine is wired to it."""

    async def wire(self, machine: "Machine", mac: str, outlet: Outlet) -> bool:
        """The card's wire ends there; False: the network has not made its port yet, ask again.
        Raises Rejected."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot of a machine into the ramdisk: what its medium says."""

    node: str
    token: str
    ticket: str
    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Agent:
    """Where an agent is told what to do, and how it is known."""

    url: str
    token: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Command:
    """What became of a command."""

    id: str
    name: str
    """Without its extension: `prepare_image`."""
    status: str
    """`RUNNING`, `SUCCEEDED`, `FAILED`"""
    result: Mapping[str, Any]
    error: str


class Agents(Protocol):
    """Speaks with the agents that run on machines."""

    def problem(self, info: Mapping[str, Any], url: str) -> str | None:
        """Why an agent that says it is there is not spoken to. `info`: the node's driver_info."""

    async def begin(
        self, machine: Machine, agent: Agent, name: str, params: Mapping[str, Any]
    ) -> Command:
        """Raises Rejected for what the agent refuses; OSError when it does not answer."""

    async def commands(self, machine: Machine, agent: Agent) -> Sequence[Command]:
        """All that it was told since it runs, the latest last."""


class Ramdisks(Protocol):
    """The media that machines are booted from, and what else they fetch."""

    async def make(self, machine: Machine, boot: Boot) -> str:
        """The medium is there; its URL, for the BMC."""

    def script(self, machine: Machine, boot: Boot) -> str:
        """What a machine that boots from the network is to load, for iPXE."""

    def loaded(self, machine: Machine, boot: Boot, name: str) -> Path | bytes:
        """What it then loads: `vmlinuz`, `ramdisk.img`, `told.img`. Raises KeyError, Rejected."""

    def medium(self, node: str) -> Path | None:
        """Its file."""

    def content_url(self, machine: Machine, boot: Boot, name: str) -> str:
        """Where the machine itself fetches something."""

    async def config_drive(self, document: Mapping[str, Any]) -> str:
        """A config drive, gzip in base64."""

    async def crypt(self, password: str) -> str:
        """As /etc/shadow keeps it."""

    def forget(self, node: str) -> None:
        """The medium is needed no more."""


class Driver(Protocol):
    name: str
    can: Capabilities

    def lacks(self, info: Mapping[str, Any]) -> Mapping[str, str]:
        """Interface → what is missing or wrong in driver_info. Touches no machine."""

    async def power(self, machine: Machine) -> str:
        """`power on` or `power off`."""

    async def set_power(self, machine: Machine, target: str, token: str) -> None:
        """`power on`, `power off`, `rebooting`, or the soft ones. `token` is the same for each
        try of the same wish: a reboot is done once."""

    async def boot_device(self, machine: Machine) -> tuple[str | None, bool]:
        """(device, persistent)"""

    async def set_boot_device(self, machine: Machine, device: str, persistent: bool) -> None: ...

    async def inspect(self, machine: Machine) -> Inspected: ...

    async def begin(self, machine: Machine, work: str, token: str) -> None:
        """Begin long work (`clean`, `deploy`, `undeploy`); nothing if that of this token runs."""

    async def finished(self, machine: Machine, work: str, token: str) -> bool:
        """Raises Rejected when it failed."""

    async def nmi(self, machine: Machine) -> None: ...

    async def set_boot_mode(self, machine: Machine, mode: str) -> None:
        """`uefi`, `bios`"""

    async def set_secure_boot(self, machine: Machine, on: bool) -> None: ...

    async def indicator(self, machine: Machine, component: str, light: str) -> str: ...

    async def set_indicator(
        self, machine: Machine, component: str, light: str, state: str
    ) -> None: ...

    async def bios(self, machine: Machine) -> Sequence[Mapping[str, str]]:
        """Settings: `name`, `value`."""

    async def set_bios(self, machine: Machine, settings: Mapping[str, str] | None) -> None:
        """From its next start on; None: as the maker delivers it. Raises Rejected."""

    async def insert(self, machine: Machine, url: str) -> None:
        """A medium into its virtual drive, whatever was there before."""

    async def eject(self, machine: Machine) -> None:
        """No medium."""

    def forget(self, machine_id: str) -> None:
        """The node is no more."""
