"""Scenarios by their Rally names: data, and a short coroutine that does them.

@scenario("CinderVolumes.list_volumes", services=("cinder",))
async def list_volumes(run: Run, detailed: bool = True) -> None:
    "List volumes …"

A scenario's arguments are its coroutine's. The modules are imported by the first part of the name,
so that a task of one scenario imports one module.
"""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cumulo.benchmark.model.shapes import Schema

Body = Callable[..., Awaitable[None]]
Check = Callable[[Mapping[str, Any]], list[str]]

# The first part of a scenario's name → the module that has it.
GROUPS: Mapping[str, str] = {
    "Dummy": "dummy",
    "HttpRequests": "requests",
    "Requests": "requests",
    "Authenticate": "authenticate",
    "KeystoneBasic": "keystone",
    "Quotas": "quotas",
    "NovaServers": "nova_moves",  # and by it nova_servers
    "NovaKeypair": "nova",
    "NovaFlavors": "nova",
    "NovaAggregates": "nova",
    "NovaAvailabilityZones": "nova",
    "NovaHypervisors": "nova",
    "NovaServerGroups": "nova",
    "NovaServices": "nova",
    "NeutronNetworks": "neutron",
    "NeutronSubnets": "neutron",
    "NeutronSecurityGroup": "neutron_security",
    "NeutronTrunks": "neutron_trunks",
    "CinderVolumes": "cinder_volumes",
    "CinderVolumeTypes": "cinder",
    "CinderVolumeBackups": "cinder",
    "CinderQos": "cinder",
    "GlanceImages": "glance",
    "SwiftObjects": "swift",
    "HeatStacks": "heat",
    "DesignateBasic": "designate",
    "ManilaShares": "manila_guests",  # and by it manila
    "IronicNodes": "ironic",
    "Gnocchi": "gnocchi",
    "GnocchiArchivePolicy": "gnocchi",
    "GnocchiArchivePolicyRule": "gnocchi",
    "GnocchiMetric": "gnocchi",
    "GnocchiResource": "gnocchi",
    "GnocchiResourceType": "gnocchi",
    "AodhAlarms": "aodh",
    "VMTasks": "vm",
}


@dataclass(frozen=True, slots=True)
class Fit:
    """A flavor must have room for an image: checked before anything is made."""

    flavor: str = "flavor"
    image: str = "image"
    disk: bool = True
    """False: the disk is a volume, its size is the volume's."""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    body: Body
    title: str
    description: str
    platform: bool
    """Whether it needs a cloud at all."""
    admin: bool
    services: tuple[str, ...]
    """By Rally's names: nova, cinder …"""
    finds: Mapping[str, str]
    """Arguments that name something by id, name or regex: argument → image, flavor …"""
    fits: tuple[Fit, ...]
    contexts: tuple[str, ...]
    """What the task file must have."""
    cleanup: tuple[str, ...]
    """What the users' iterations leave behind, by service or by `service.kind`."""
    admin_cleanup: tuple[str, ...]
    router: bool
    """Whether its networks need a way out although its context does not say so."""
    numbers: Mapping[str, Schema] = field(default_factory=dict)
    """Arguments with a schema."""
    files: tuple[str, ...] = ()
    """Arguments that name a file, which is read here: whether it can be is checked first."""
    more: frozenset[str] | None = None
    """What else may be said where the arguments are open-ended; None: anything."""
    check: Check | None = None
    """What is wrong with the arguments that no schema tells."""
    or_context: Mapping[str, str] = field(default_factory=dict)
    """Arguments that may lack where a context is."""
    brings: Mapping[str, Any] = field(default_factory=dict)
    """Contexts that it has although the task file does not name them."""

    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """All but the first, which is the iteration."""
        named = dict(inspect.signature(self.body).parameters)
        named.pop(next(iter(named)))
        return named


_FOUND: dict[str, Scenario] = {}


class UnknownScenario(Exception):
    """There is no scenario of that name."""


def scenario(
    name: str,
    *,
    platform: bool = True,
    admin: bool = False,
    services: tuple[str, ...] = (),
    finds: Mapping[str, str] | None = None,
    fits: tuple[Fit, ...] = (),
    contexts: tuple[str, ...] = (),
    cleanup: tuple[str, ...] = (),
    admin_cleanup: tuple[str, ...] = (),
    router: bool = False,
    numbers: Mapping[str, Schema] | None = None,
    files: tuple[str, ...] = (),
    more: frozenset[str] | None = None,
    check: Check | None = None,
    or_context: Mapping[str, str] | None = None,
    brings: Mapping[str, Any] | None = None,
) -> Callable[[Body], Body]:
    """Declare a scenario. Its title is the first line of its docstring."""

    def declare(body: Body) -> Body:
        title, _, description = (inspect.getdoc(body) or "").partition("\n")
        _FOUND[name] = Scenario(
            name=name,
            body=body,
            title=title.rstrip("."),
            description=description.strip(),
            platform=platform,
            admin=admin,
            services=services,
            finds=finds or {},
            fits=fits,
            contexts=contexts,
            cleanup=cleanup,
            admin_cleanup=admin_cleanup,
            router=router,
            numbers=numbers or {},
            files=files,
            more=more,
            check=check,
            or_context=or_context or {},
            brings=brings or {},
        )
        return body

    return declare


def described(name: str, body: Body) -> Scenario:
    """A scenario of somebody's own, which no task file can name: what it needs it has."""
    scenario(name, platform=False)(body)
    return _FOUND.pop(name)


def find(name: str) -> Scenario:
    """A scenario by its name, with or without the platform. Raises UnknownScenario."""
    bare, _, platform = name.partition("@")
    module = GROUPS.get(bare.partition(".")[0])
    if module is not None:
        importlib.import_module(f"cumulo.benchmark.scenarios.{module}")
    if bare not in _FOUND or platform not in ("", "openstack", "default"):
        raise UnknownScenario(
            f"There is no Scenario plugin `{bare}` in {platform or 'any of default, openstack'} "
            "platform."
        )
    return _FOUND[bare]


def everything() -> dict[str, Scenario]:
    """All scenarios; imports all of their modules."""
    for module in sorted(set(GROUPS.values())):
        importlib.import_module(f"cumulo.benchmark.scenarios.{module}")
    return dict(sorted(_FOUND.items()))


def nearest(name: str) -> list[str]:
    """Names like a wrong one, for whoever mistyped it."""
    import difflib

    return difflib.get_close_matches(name, everything(), n=3, cutoff=0.7)


def number(least: float | None = None, most: float | None = None, *, whole: bool = False) -> Any:
    """A schema for a number."""
    shape: dict[str, Any] = {"type": ["integer" if whole else "number", "null"]}
    if least is not None:
        shape["minimum"] = least
    if most is not None:
        shape["maximum"] = most
    return shape
