"""What is wrong with a task, before anything is made for it.

First what the file alone shows (names, arguments, shapes), then what the cloud shows (services,
images, flavors by name and pattern, whether the image fits). All of a workload's problems are said
at once, in Rally's words.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cumulo.benchmark import finding, registry
from cumulo.benchmark.checks import Cloud, cloud_problems, restricted
from cumulo.benchmark.client.http import HttpError
from cumulo.benchmark.client.session import KINDS, SERVICES, ApiError, ServiceMissing, Session
from cumulo.benchmark.contexts import table
from cumulo.benchmark.engine import hooks, runners, sla
from cumulo.benchmark.model.secrets import masked
from cumulo.benchmark.model.shapes import problems
from cumulo.benchmark.model.task import TaskConfig, Workload, workload_document

MOST_MADE = 1_000_000
"""Things that one context makes."""


# Rally's names of services → ours (see client.session).
class InvalidTaskConfig(Exception):
    """A workload cannot be run as it is written."""

    def __init__(self, workload: Workload, reasons: list[str]) -> None:
        shown = msgspec.json.encode(masked(workload_document(workload)))
        config = msgspec.json.format(shown, indent=2)
        super().__init__(
            "Input task is invalid!\n\n"
            f"Subtask {workload.name}[{workload.position}] has wrong configuration\n"
            f"Subtask configuration:\n{config.decode()}\n\n"
            "Reason(s):\n " + "\n ".join(reasons)
        )
        self.reasons = reasons


def check_syntax(config: TaskConfig) -> None:
    """What the file alone shows. Raises InvalidTaskConfig for the first workload with problems."""
    for subtask in config.subtasks:
        for workload in subtask.workloads:
            found = syntax_problems(workload)
            if found:
                raise InvalidTaskConfig(workload, found)


def syntax_problems(workload: Workload) -> list[str]:
    try:
        scenario = registry.find(workload.name)
    except registry.UnknownScenario as error:
        near = registry.nearest(workload.name)
        hint = f" Did you mean: {', '.join(near)}?" if near else ""
        return [f"{error}{hint}"]
    found = [*argument_problems(scenario, workload.args)]
    found += runners.wrong(workload.runner_type, workload.runner)
    for name, config in workload.contexts.items():
        found += context_problems(name, config)
    found = found or size_problems(workload)
    given = {name.partition("@")[0] for name in workload.contexts}
    for argument, context in scenario.or_context.items():
        if not workload.args.get(argument) and context not in given:
            found.append(
                f"You should specify either scenario argument {argument} or use context {context}."
            )
    missing = [name for name in scenario.contexts if not set(name.split("|")) & given]
    if missing:
        listed = ", ".join(name.replace("|", " or ") for name in missing)
        found.append(
            "The following context(s) are required but missing from the input task file: " + listed
        )
    for name, config in workload.sla.items():
        found += sla.wrong(name, config)
    for hook in workload.hooks:
        found += hooks.wrong(hook)
    return found


def argument_problems(scenario: registry.Scenario, args: Mapping[str, Any]) -> list[str]:
    named = scenario.parameters()
    hint = (
        f" Use `rally plugin show --name {scenario.name} --platform "
        f"{'openstack' if scenario.platform else 'default'}` to display scenario description."
    )
    wanted = [
        name
        for name, p in named.items()
        if p.default is inspect.Parameter.empty and p.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    found = []
    missing = [name for name in wanted if name not in args]
    if missing:
        listed = "', '".join(missing)
        found.append(f"Argument(s) '{listed}' should be specified in task config.{hint}")
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in named.values())
    if not open_ended or scenario.more is not None:
        more = scenario.more or frozenset()
        unknown = [name for name in args if name not in named and name not in more]
        if unknown:
            listed = "', '".join(unknown)
            found.append(f"Unexpected argument(s) found ['{listed}'].{hint}")
    for name, kind in scenario.finds.items():
        given = args.get(name)
        for each in given if isinstance(given, list) else [given]:
            if kind in ("image", "flavor") and isinstance(each, str | int | float):
                found.append(
                    f"Argument '{name}' is invalid: it describes one {kind}, as "
                    f"{{name: {each}}} or {{id: {each}}}{hint}"
                )
    for name, schema in scenario.numbers.items():
        if name in args:
            found += [
                f"Argument '{name}' is invalid: {problem}{hint}"
                for problem in problems(args[name], schema)
            ]
    found += restricted(scenario.name, args)
    if scenario.check is not None:
        found += scenario.check(args)
    for name in scenario.files:
        given = args.get(name)
        for path in given if isinstance(given, list) else [given]:
            if isinstance(path, str) and not Path(path).expanduser().is_file():
                found.append(f"Could not open {path} with mode 4 for parameter {name}")
    return found


def context_problems(name: str, config: Any) -> list[str]:
    try:
        context = table.find(name)
    except table.UnknownContext as error:
        return [str(error)]
    if context.hidden:
        return [f"There is no Context plugin `{name}` in any of default, openstack platform."]
    return [f"Context '{name}': {problem}" for problem in context.wrong(config)]


def size_problems(workload: Workload) -> list[str]:
    """Each number has its bound, and so has their product: nobody waits for a billion of things."""
    contexts = {name.partition("@")[0]: config for name, config in workload.contexts.items()}
    projects = (contexts.get("users") or {}).get("tenants", 1)
    found = []
    for name, config in contexts.items():
        context = table.find(name)
        wanted = projects * context.made_in_a_project(config) if context.counts else 0
        if wanted > MOST_MADE:
            product = " x ".join(("tenants", *context.counts))
            found.append(f"Context '{name}': {product} is {wanted}, more than {MOST_MADE}")
    return found


async def check_semantics(config: TaskConfig, admin: Session, *, has_users: bool) -> None:
    """What the cloud shows. Raises InvalidTaskConfig, or what the cloud itself answered."""
    lists, cloud = _Lists(admin), Cloud(admin)
    for subtask in config.subtasks:
        for workload in subtask.workloads:
            found = await _semantic_problems(workload, admin, lists)
            if not found:
                services = registry.find(workload.name).services
                found = await cloud_problems(workload, services, cloud)
            if found:
                raise InvalidTaskConfig(workload, found)


class _Lists:
    """What there is of a kind, asked for once a validation."""

    def __init__(self, cloud: Session) -> None:
        self._cloud = cloud
        self._known: dict[tuple[str, str], list[Any]] = {}

    async def of(self, kind: str, described: Mapping[str, Any]) -> list[Any]:
        key = (kind, repr(described.get("list_kwargs")))
        if key not in self._known or described.keys() - finding.WORDS:
            self._known[key] = await finding.listed(self._cloud, kind, described)
        return self._known[key]


async def _semantic_problems(workload: Workload, admin: Session, lists: _Lists) -> list[str]:
    scenario = registry.find(workload.name)
    found = []
    for name in scenario.services:
        kind = KINDS.get(name, name)
        own = _named_otherwise(workload, name)
        there = kind in SERVICES and await admin.has(kind)
        if own is not None:
            there |= "service_name" in own or own.get("service_type") in await admin.services()
        if not there:
            found.append(
                f"'{name}' service is not available. Hint: If '{name}' service has non-default "
                "service_type, try to setup it via 'api_versions@openstack' context."
            )
    if found:
        return found
    chosen: dict[str, Any] = {}
    for name, kind in scenario.finds.items():
        value = workload.args.get(name)
        for described in value if isinstance(value, list) else [value]:
            if isinstance(described, dict):
                found += await _find(workload, name, kind, described, lists, chosen)
    for fit in scenario.fits:
        flavor, image = chosen.get(fit.flavor), chosen.get(fit.image)
        if flavor is not None and image is not None:
            found += fit_problems(flavor, image, disk=fit.disk)
    return found


def _named_otherwise(workload: Workload, name: str) -> Mapping[str, Any] | None:
    """What the context `api_versions` says of a service's type or name, if anything."""
    contexts = {each.partition("@")[0]: config for each, config in workload.contexts.items()}
    said: Mapping[str, Any] = (contexts.get("api_versions") or {}).get(name) or {}
    return said if {"service_type", "service_name"} & set(said) else None


async def _find(
    workload: Workload,
    name: str,
    kind: str,
    described: dict[str, Any],
    lists: _Lists,
    chosen: dict[str, Any],
) -> list[str]:
    """Look for what an argument describes; what a context will make counts as found."""
    if _context_makes(workload, kind, described):
        return []
    title = kind.replace("_", " ").title()
    try:
        items = await lists.of(kind, described)
        if described.get("id"):
            same = [item for item in items if item["id"] == described["id"]]
            if not same:
                return [f"{title} '{described}' not found"]
            chosen[name] = same[0]
        else:
            chosen[name] = finding.match(kind, described, items)
    except finding.NotFoundHere as error:
        return [f"{title} '{described}' not found: {error}"]
    except (ApiError, HttpError, ServiceMissing) as error:
        return [f"{title} '{described}' cannot be looked for: {error}"]
    return []


def _context_makes(workload: Workload, kind: str, described: Mapping[str, Any]) -> bool:
    contexts = {name.partition("@")[0]: config for name, config in workload.contexts.items()}
    wanted = described.get("name") or described.get("regex") or ""
    if kind == "flavor":
        names = [str(f.get("name") or "") for f in contexts.get("flavors") or ()]
        return any(name and (name == wanted or _matches(str(wanted), name)) for name in names)
    if kind == "image":
        named = str((contexts.get("images") or {}).get("image_name") or "")
        return bool(named) and (named == wanted or _matches(str(wanted), named))
    return False


def _matches(pattern: str, name: str) -> bool:
    try:
        finding.match("image", {"regex": pattern}, [{"id": "", "name": name}])
    except finding.NotFoundHere:
        return False
    return True


def fit_problems(flavor: Mapping[str, Any], image: Mapping[str, Any], *, disk: bool) -> list[str]:
    """Whether a flavor has room for an image. With `disk=False` the disk is a volume."""
    said = f"for flavor '{flavor['id']}' is too small for requested image '{image['id']}'."
    found = []
    if _size(flavor, "ram") < _size(image, "min_ram"):
        found.append(f"The memory size {said}")
    room = _size(flavor, "disk")
    if disk and room:
        if room * 1024**3 < _size(image, "size"):
            found.append(f"The disk size {said}")
        if room < _size(image, "min_disk"):
            found.append(f"The minimal disk size {said}")
    return found


def _size(item: Mapping[str, Any], name: str) -> float:
    """A number of an item's; 0 where the cloud does not say."""
    value = item.get(name)
    return value if isinstance(value, int | float) else 0
