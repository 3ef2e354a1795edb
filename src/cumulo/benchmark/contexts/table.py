"""All contexts by name, in the order in which they are made (and, backwards, taken away)."""

import importlib
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cumulo.benchmark.engine.surroundings import Surroundings
from cumulo.benchmark.model.shapes import Schema, problems

Step = Callable[[Surroundings, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Context:
    """`setup` and `cleanup` get the surroundings and the configuration with its defaults."""

    name: str
    order: int
    title: str
    schema: Schema
    setup: Step
    cleanup: Step
    defaults: Mapping[str, Any] = field(default_factory=dict)
    hidden: bool = False
    """Not for task files: a scenario brings it."""
    brings: Mapping[str, Any] = field(default_factory=dict)
    """Contexts that it cannot do without, although the task file does not name them."""
    router: bool = False
    """Whether networks need a way out, for it logs in to guests."""
    counts: tuple[str, ...] = ()
    """Numbers in its configuration whose product it makes in each project."""

    def made_in_a_project(self, config: Any) -> int:
        """How many things, by a configuration that is not wrong."""
        filled = self.filled(config)
        return math.prod(filled.get(name, 1) for name in self.counts)

    def wrong(self, config: object) -> list[str]:
        return list(problems(config, self.schema))

    def filled(self, config: Any) -> Any:
        """The configuration with defaults for what it does not say."""
        if isinstance(config, dict):
            return {**self.defaults, **config}
        return config


# Where each context is: a task with one of them imports one module.
_MODULES: Mapping[str, str] = {
    "users": "users",
    "roles": "users",
    "quotas": "quotas",
    "network": "network",
    "existing_network": "network",
    "router": "network",
    "networking_agents": "network",
    "allow_ssh": "compute",
    "keypair": "compute",
    "flavors": "compute",
    "servers": "compute",
    "images": "storage",
    "volumes": "storage",
    "volume_types": "storage",
    "api_versions": "versions",
    "dummy_context": "users",
    "swift_objects": "objects",
    "stacks": "stacks",
    "heat_dataplane": "stacks",
    "image_command_customizer": "customized",
    "zones": "zones",
    "manila_shares": "shares",
    "manila_share_networks": "shares",
    "manila_security_services": "shares",
    "cleanup": "cleanup",
    "admin_cleanup": "cleanup",
}

_FOUND: dict[str, Context] = {}


class UnknownContext(Exception):
    """There is no context of that name."""


async def nothing(env: Surroundings, config: Any) -> None:
    """What contexts do that leave nothing behind."""


def declare(context: Context) -> None:
    _FOUND[context.name] = context


def find(name: str) -> Context:
    """A context by its name, with or without the platform."""
    bare, _, platform = name.partition("@")
    module = _MODULES.get(bare)
    if module is not None:
        importlib.import_module(f"cumulo.benchmark.contexts.{module}")
    if bare not in _FOUND or platform not in ("", "openstack", "default"):
        raise UnknownContext(
            f"There is no Context plugin `{bare}` in {platform or 'any of default, openstack'} "
            "platform."
        )
    return _FOUND[bare]


def everything() -> dict[str, Context]:
    for module in sorted(set(_MODULES.values())):
        importlib.import_module(f"cumulo.benchmark.contexts.{module}")
    return dict(sorted(_FOUND.items()))
