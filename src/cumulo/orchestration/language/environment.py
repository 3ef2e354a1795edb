"""Environments: parameters, defaults, and which type a resource type stands for.

Several environment files are merged in order, by the strategy that `parameter_merge_strategies`
names for a parameter: overwrite (the default), merge or deep_merge.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.orchestration.language.documents import bounded_data, load
from cumulo.orchestration.language.invalid import Invalid

SECTIONS = (
    "parameters",
    "encrypted_param_names",
    "parameter_defaults",
    "parameter_merge_strategies",
    "resource_registry",
    "event_sinks",
)
HOOKS = ("pre-create", "pre-update", "pre-delete", "post-create", "post-update", "post-delete")
RESTRICTED = ("update", "replace")
MOST_CHAIN = 20
MOST_ENTRIES = 1000
MOST_PATTERNS = 50
MOST_LETTERS = 1000
MAPS = ("parameters", "parameter_defaults", "resource_registry", "parameter_merge_strategies")


class Environment(msgspec.Struct, frozen=True):
    parameters: dict[str, Any] = {}
    parameter_defaults: dict[str, Any] = {}
    encrypted_param_names: list[str] = []
    resource_registry: dict[str, Any] = {}
    event_sinks: list[Any] = []

    def shown(self) -> dict[str, Any]:
        return {
            "parameters": self.parameters,
            "parameter_defaults": self.parameter_defaults,
            "encrypted_param_names": self.encrypted_param_names,
            "resource_registry": {"resources": {}, **self.resource_registry},
            "event_sinks": self.event_sinks,
        }

    def type_of(self, name: str, resource: str = "") -> str:
        """The type, or the file or URL of a template, that a type name stands for."""
        for _ in range(MOST_CHAIN):
            found = self._mapped(name, resource)
            if found is None or found == name:
                return name
            name = found
        raise Invalid(f"resource_registry: {name} stands for itself, over others")

    def _mapped(self, name: str, resource: str) -> str | None:
        own = self._of_resource(resource)
        registries = ([own] if own else []) + [self.resource_registry]
        for registry in registries:
            target = registry.get(name) if name != "base_url" else None
            if isinstance(target, str):
                return target
            for pattern in _patterns(registry):
                target = registry[pattern]
                if isinstance(target, str) and fnmatch.fnmatchcase(name, pattern):
                    head = pattern.partition("*")[0]
                    return target.replace("*", name[len(head) :], 1)
        return None

    def _of_resource(self, name: str) -> dict[str, Any]:
        resources = self.resource_registry.get("resources")
        found = resources.get(name) if isinstance(resources, dict) else None
        return found if isinstance(found, dict) else {}

    def hooks_of(self, resource: str) -> set[str]:
        """The hooks at which a resource waits for somebody to clear them."""
        found: set[str] = set()
        resources = self.resource_registry.get("resources")
        for pattern, body in (resources or {}).items() if isinstance(resources, dict) else ():
            if isinstance(body, dict) and fnmatch.fnmatchcase(resource, pattern):
                found |= _words(body.get("hooks"))
        return found & set(HOOKS)

    def restricted(self, resource: str) -> set[str]:
        """What may not be done to a resource: update, replace."""
        found: set[str] = set()
        resources = self.resource_registry.get("resources")
        for pattern, body in (resources or {}).items() if isinstance(resources, dict) else ():
            if isinstance(body, dict) and fnmatch.fnmatchcase(resource, pattern):
                found |= _words(body.get("restricted_actions"))
        return found & set(RESTRICTED)


def _words(given: Any) -> set[str]:
    """A word or a list of words; what is none says nothing."""
    listed = given if isinstance(given, list) else [given]
    return {each for each in listed if isinstance(each, str)}


def _patterns(registry: Mapping[str, Any]) -> list[str]:
    return [name for name in registry if "*" in name]


def _bounded(registry: Mapping[str, Any]) -> None:
    """Raises Invalid for more than is looked through for each resource."""
    inner = registry.get("resources")
    if len(registry) > MOST_ENTRIES or (isinstance(inner, dict) and len(inner) > MOST_ENTRIES):
        raise Invalid(f"resource_registry has more than {MOST_ENTRIES} entries")
    if len(_patterns(registry)) > MOST_PATTERNS:
        raise Invalid(f"resource_registry has more than {MOST_PATTERNS} patterns")
    if any(len(name) > MOST_LETTERS for name in registry):
        raise Invalid(f"resource_registry: a name has more than {MOST_LETTERS} letters")


def parse(given: Any) -> Environment:
    """One environment, as text or data. Raises Invalid."""
    if isinstance(given, str):
        given = load(given, "environment")
    if given is None:
        return Environment()
    if not isinstance(given, dict):
        raise Invalid("The environment is not a valid YAML mapping data type.")
    bounded_data(given, "environment")
    for section in given:
        if section not in SECTIONS:
            raise Invalid(f'environment has wrong section "{section}"')
    for section in MAPS:
        if not isinstance(given.get(section) or {}, dict):
            raise Invalid(f'environment: "{section}" must be a map')
    for section in ("encrypted_param_names", "event_sinks"):
        if not isinstance(given.get(section) or [], list):
            raise Invalid(f'environment: "{section}" must be a list')
    _bounded(given.get("resource_registry") or {})
    return Environment(
        given.get("parameters") or {},
        given.get("parameter_defaults") or {},
        [str(each) for each in given.get("encrypted_param_names") or []],
        given.get("resource_registry") or {},
        list(given.get("event_sinks") or []),
    )


def merge(first: Environment, files: Sequence[str], texts: Mapping[str, str]) -> Environment:
    """`environment_files` in order, each of `files`, then what the request itself says."""
    merged = Environment()
    strategies: dict[str, str] = {}
    # The last of equal ones counts; each is read once.
    for name in list(dict.fromkeys(reversed(files)))[::-1]:
        if name not in texts:
            raise Invalid(f"environment file {name} is not among the files")
        document = load(texts[name], name)
        one = parse(document)
        if isinstance(document, dict):
            strategies |= {
                key: str(value)
                for key, value in (document.get("parameter_merge_strategies") or {}).items()
            }
        merged = _over(merged, one, strategies)
    return _over(merged, first, strategies) if files else first


def over(below: Environment, above: Environment) -> Environment:
    """What a patch says on top of what was there."""
    return _over(below, above, {})


def child_of(parent: Environment, resource: str) -> Environment:
    """What the stack inside a resource sees: types and defaults, and of `resources` what is said
    of its own ones. Parameters are the resource's properties."""
    registry = {name: value for name, value in parent.resource_registry.items()}
    inner = registry.pop("resources", None)
    below: dict[str, Any] = {}
    for pattern, body in inner.items() if isinstance(inner, dict) else ():
        if isinstance(body, dict) and fnmatch.fnmatchcase(resource, pattern):
            below |= {name: value for name, value in body.items() if isinstance(value, dict)}
    if below:
        registry["resources"] = below
    return msgspec.structs.replace(
        parent, parameters={}, resource_registry=registry, event_sinks=[]
    )


def _over(below: Environment, above: Environment, strategies: Mapping[str, str]) -> Environment:
    return Environment(
        _values(below.parameters, above.parameters, strategies),
        _values(below.parameter_defaults, above.parameter_defaults, strategies),
        list(dict.fromkeys([*below.encrypted_param_names, *above.encrypted_param_names])),
        _deep(below.resource_registry, above.resource_registry),
        [*below.event_sinks, *above.event_sinks],
    )


def _values(
    below: Mapping[str, Any], above: Mapping[str, Any], strategies: Mapping[str, str]
) -> dict[str, Any]:
    made = dict(below)
    for name, value in above.items():
        strategy = strategies.get(name, strategies.get("default", "overwrite"))
        old = made.get(name)
        if name in made and strategy == "merge":
            value = _merged(old, value)
        elif name in made and strategy == "deep_merge":
            value = (
                _deep(old, value)
                if isinstance(old, dict) and isinstance(value, dict)
                else (_merged(old, value))
            )
        elif strategy not in ("overwrite", "merge", "deep_merge"):
            raise Invalid(f'"{strategy}" is no merge strategy for parameter "{name}"')
        made[name] = value
    return made


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **new}
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    if isinstance(old, str) and isinstance(new, str):
        return f"{old},{new}" if old and new else old or new
    return new


def _deep(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(old)
    for key, value in new.items():
        before = made.get(key)
        made[key] = (
            _deep(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
        )
    return made
