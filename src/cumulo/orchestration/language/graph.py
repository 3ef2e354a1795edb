"""Who stands on whom: the dependencies between a template's resources."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cumulo.orchestration.language.functions import function_of
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.template import ResourceDefinition
from cumulo.orchestration.language.versions import Version


def references(snippet: Any, version: Version) -> Iterator[str]:
    """The names of resources that a snippet's functions ask for (`get_param`s by `Ref`, too)."""
    if isinstance(snippet, dict):
        found = function_of(snippet, version)
        if found is not None:
            name, arguments = found
            if name in ("get_resource", "Ref") and isinstance(arguments, str):
                yield arguments
            elif name in ("get_attr", "Fn::GetAtt"):
                if isinstance(arguments, list) and arguments and isinstance(arguments[0], str):
                    yield arguments[0]
                elif isinstance(arguments, str):
                    yield arguments.partition(".")[0]
        for each in snippet.values():
            yield from references(each, version)
    elif isinstance(snippet, list):
        for each in snippet:
            yield from references(each, version)


def requirements(
    definitions: Mapping[str, ResourceDefinition], version: Version
) -> dict[str, frozenset[str]]:
    """Each resource → those that must be there before it. Raises Invalid for unknown names and
    circles."""
    made = {}
    for name, one in definitions.items():
        for each in one.depends_on:
            if each not in definitions:
                raise Invalid(f'"{each}" in depends_on is no resource', f"resources.{name}")
        found = {*one.depends_on}
        for snippet in (one.properties, one.metadata, one.update_policy):
            found |= set(references(snippet, version))
        made[name] = frozenset(found & set(definitions))
    in_order(made)
    return made


def with_implied(
    requires: Mapping[str, frozenset[str]], implied: Mapping[str, Iterable[str]]
) -> dict[str, frozenset[str]]:
    """With what follows from the types of the resources; what the template itself says goes before
    it: where both make a circle, only that counts."""
    made = {
        name: found | (frozenset(implied.get(name, ())) & frozenset(requires)) - {name}
        for name, found in requires.items()
    }
    try:
        in_order(made)
    except Invalid:
        return dict(requires)
    return made


def in_order(requires: Mapping[str, Iterable[str]]) -> list[str]:
    """All names, each after what it requires. Raises Invalid for a circle."""
    order: list[str] = []
    state: dict[str, int] = {}
    for root in requires:
        stack: list[tuple[str, Iterator[str]]] = [(root, iter(sorted(requires[root])))]
        if state.get(root):
            continue
        state[root] = 1
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                state[name] = 2
                order.append(name)
            elif state.get(following) == 1:
                circle = [each for each, _ in stack]
                circle = circle[circle.index(following) :]
                raise Invalid(f"Circular Dependency Found: {', '.join(circle)}")
            elif not state.get(following):
                state[following] = 1
                stack.append((following, iter(sorted(requires.get(following, ())))))
    return order
