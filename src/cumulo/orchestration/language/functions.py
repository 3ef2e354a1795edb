"""Functions of templates, resolved: plain data in, plain data out.

`resolve` walks a snippet; a map with one key that is a function of the template's version is its
value. What a function asks of the stack goes through `Scope`. A value that follows from a resource
which does not exist yet raises NotKnownYet.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cumulo.orchestration.language import cfn_functions, text_functions
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.language.versions import Version

OMITTED = object()
"""What `if` without its third argument is: the property is left out."""
MOST_ITEMS = 10_000
MOST_WORK = 16 * 1024 * 1024
"""Of one request: letters and values that its functions make, all together. Each of them may be
small, and a loop in a loop still fill the memory. A value counts as 96 letters: less than a second
for everything."""


class Budget:
    """What the functions of one request may make, together."""

    def __init__(self, most: int = MOST_WORK) -> None:
        self.left = most

    def spend(self, work: int, path: str) -> None:
        self.left -= work
        if self.left < 0:
            raise Invalid("the functions make more than there is room for", path)


class Scope(Protocol):
    """What functions ask of the stack that they stand in."""

    @property
    def budget(self) -> Budget: ...

    def parameter(self, name: str) -> Any:
        """Raises Invalid for a parameter that there is not."""

    def reference(self, resource: str) -> Any:
        """What `get_resource` gives: the physical id, as a rule."""

    def attribute(self, resource: str, name: str | None, path: Sequence[Any] = ()) -> Any:
        """What lies at a path of it; None: all attributes. Raises Invalid for an unknown one."""

    def file(self, name: str) -> str: ...

    def condition(self, name: str) -> bool: ...

    def facade(self, part: str) -> Any:
        """metadata, deletion_policy or update_policy of the resource that this stack is."""

    def mapping(self, name: str, first: str, second: str) -> Any: ...

    def query(self, expression: str, data: Any) -> Any:
        """yaql, in a bounded process of its own."""

    def zones(self) -> list[str]: ...


Resolver = Callable[[Any], Any]


@dataclass
class Functions:
    """The functions of one version, over one scope."""

    version: Version
    scope: Scope
    _budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self._budget = Budget() if self.scope is None else self.scope.budget

    def resolve(self, snippet: Any, path: str = "") -> Any:
        """The value of a snippet. Raises Invalid and NotKnownYet."""
        value = self._resolve(snippet, path)
        return None if value is OMITTED else value

    def _spend(self, work: int, path: str) -> None:
        self._budget.spend(work, path)

    def _resolve(self, snippet: Any, path: str) -> Any:
        self._spend(96, path)
        if isinstance(snippet, dict):
            found = function_of(snippet, self.version)
            if found is not None:
                name, arguments = found
                return self._call(name, arguments, path)
            made = {
                key: self._resolve(value, f"{path}.{key}" if path else key)
                for key, value in snippet.items()
            }
            return {key: value for key, value in made.items() if value is not OMITTED}
        if isinstance(snippet, list):
            resolved = [self._resolve(each, f"{path}[{n}]") for n, each in enumerate(snippet)]
            return [each for each in resolved if each is not OMITTED]
        return snippet

    def _call(self, name: str, arguments: Any, path: str) -> Any:
        if name in LAZY:
            return LAZY[name](self, arguments, path)
        given = self.resolve(arguments, path)
        try:
            if name in text_functions.COSTS:
                self._spend(text_functions.COSTS[name](given), path)
            if name in text_functions.PURE:
                value = text_functions.PURE[name](given)
            else:
                value = ASKING[name](self, given)
        except Invalid as error:
            # What asks the stack is not to blame for the answer.
            here = path if name in ASKING else f"{path}.{name}" if path else name
            raise Invalid(error.message, here) from None
        self._spend(_size(value, MOST_WORK), path)
        return value

    def condition(self, snippet: Any, path: str = "") -> bool:
        """The value of a condition: a name, a boolean, or a function of conditions."""
        if isinstance(snippet, bool):
            return snippet
        if isinstance(snippet, str):
            return self.scope.condition(snippet)
        if isinstance(snippet, dict) and len(snippet) == 1:
            name, arguments = next(iter(snippet.items()))
            if name in self.version.conditions:
                value = self._condition(name, arguments, path)
                if isinstance(value, bool):
                    return value
                if isinstance(value, str) and value.lower() in ("true", "false"):
                    return value.lower() == "true"
        raise Invalid(f'Invalid condition "{_shown(snippet)}"', path)

    def _condition(self, name: str, arguments: Any, path: str) -> Any:
        plain = name.removeprefix("Fn::").lower()
        if plain == "not":
            one = arguments[0] if isinstance(arguments, list) and len(arguments) == 1 else arguments
            return not self.condition(one, path)
        if plain in ("and", "or"):
            if not isinstance(arguments, list) or len(arguments) < 2:
                raise Invalid(f'The minimum number of condition arguments to "{name}" is 2.', path)
            values = [self.condition(each, path) for each in arguments]
            return all(values) if plain == "and" else any(values)
        if plain == "equals":
            given = self.resolve(arguments, path)
            if not isinstance(given, list) or len(given) != 2:
                raise Invalid('Arguments to "equals" must be of the form: [value_1, value_2]', path)
            return bool(given[0] == given[1])
        return self.resolve({name: arguments}, path)


def function_of(snippet: Mapping[str, Any], version: Version) -> tuple[str, Any] | None:
    """(name, arguments) where a map is a call of a function that the version has."""
    if len(snippet) != 1:
        return None
    name, arguments = next(iter(snippet.items()))
    if name in version.functions or name in version.conditions:
        return name, arguments
    return None


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:200]


# --- functions that ask the stack -------------------------------------------------------


def _get_param(functions: Functions, given: Any) -> Any:
    names = given if isinstance(given, list) else [given]
    if not names or not isinstance(names[0], str):
        raise Invalid('Argument to "get_param" must be a name, or a list that begins with one')
    value = functions.scope.parameter(names[0])
    if isinstance(value, str) and len(names) > 1:
        functions._spend(len(value), names[0])
    return text_functions.select_path(value, names[1:])


def _get_resource(functions: Functions, given: Any) -> Any:
    if not isinstance(given, str):
        raise Invalid('Argument to "get_resource" must be the name of a resource')
    return functions.scope.reference(given)


def _get_attr(functions: Functions, given: Any) -> Any:
    parts = given.split(".", 1) if isinstance(given, str) else given
    if isinstance(given, str) and "Fn::GetAtt" not in functions.version.functions:
        parts = [given]
    least = 1 if functions.version.since("2015-10-15") else 2
    if not isinstance(parts, list) or len(parts) < least or not isinstance(parts[0], str):
        raise Invalid(
            'Arguments to "get_attr" must be of the form [resource_name, attribute, (path), ...]'
        )
    if len(parts) == 1:
        return functions.scope.attribute(parts[0], None)
    if not isinstance(parts[1], str):
        raise Invalid('The attribute of "get_attr" must be text')
    return functions.scope.attribute(parts[0], parts[1], parts[2:])


def _get_file(functions: Functions, given: Any) -> str:
    if not isinstance(given, str):
        raise Invalid('Argument to "get_file" must be text')
    return functions.scope.file(given)


def _facade(functions: Functions, given: Any) -> Any:
    known = {
        "metadata": "metadata",
        "deletion_policy": "deletion_policy",
        "update_policy": "update_policy",
        "Metadata": "metadata",
        "DeletionPolicy": "deletion_policy",
        "UpdatePolicy": "update_policy",
    }
    if not isinstance(given, str) or given not in known:
        raise Invalid('"resource_facade" takes metadata, deletion_policy or update_policy')
    return functions.scope.facade(known[given])


def _yaql(functions: Functions, given: Any) -> Any:
    if not isinstance(given, dict) or set(given) != {"expression", "data"}:
        raise Invalid('Arguments to "yaql" must be a map with the keys expression and data')
    if not isinstance(given["expression"], str):
        raise Invalid("the expression of yaql must be text")
    return functions.scope.query(given["expression"], given["data"])


def _ref(functions: Functions, given: Any) -> Any:
    if not isinstance(given, str):
        raise Invalid('Argument to "Ref" must be a name')
    try:
        return functions.scope.parameter(given)
    except Invalid:
        return functions.scope.reference(given)


def _find_in_map(functions: Functions, given: Any) -> Any:
    if not isinstance(given, list) or len(given) != 3:
        raise Invalid('Arguments to "Fn::FindInMap" are [map, first key, second key]')
    return functions.scope.mapping(*(str(each) for each in given))


ASKING: dict[str, Callable[[Functions, Any], Any]] = {
    "get_param": _get_param,
    "get_resource": _get_resource,
    "get_attr": _get_attr,
    "Fn::GetAtt": _get_attr,
    "get_file": _get_file,
    "resource_facade": _facade,
    "Fn::ResourceFacade": _facade,
    "yaql": _yaql,
    "Ref": _ref,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": lambda functions, given: functions.scope.zones(),
}


# --- functions that resolve their arguments themselves ----------------------------------


def _if(functions: Functions, given: Any, path: str) -> Any:
    most = 3
    least = 2 if functions.version.since("2021-04-16") else 3
    if not isinstance(given, list) or not least <= len(given) <= most:
        raise Invalid(
            'Arguments to "if" must be of the form: [condition, value_if_true, value_if_false]',
            path,
        )
    chosen = functions.condition(given[0], path)
    if chosen:
        return functions._resolve(given[1], path)
    return functions._resolve(given[2], path) if len(given) == most else OMITTED


def _repeat(functions: Functions, given: Any, path: str) -> Any:
    if not isinstance(given, dict) or not {"template", "for_each"} <= set(given):
        raise Invalid('Arguments to "repeat" must be a map with template and for_each', path)
    if set(given) - {"template", "for_each", "permutations"}:
        raise Invalid('"repeat" takes template, for_each and permutations only', path)
    loops = functions.resolve(given["for_each"], path)
    permutations = functions.resolve(given.get("permutations", True), path)
    if not isinstance(loops, dict) or not loops:
        raise Invalid('"for_each" must be a map of a placeholder to a list', path)
    lists: dict[str, Sequence[Any]] = {}
    for name, values in loops.items():
        if isinstance(values, dict):
            values = list(values)
        if not isinstance(values, list):
            raise Invalid(f'The values of "for_each" must be lists, "{name}" is none', path)
        lists[name] = values
    if not isinstance(permutations, bool):
        raise Invalid('"permutations" must be true or false', path)
    # Once, and before anything is put in: what is put in is data, whatever it looks like. A guest
    # that says `{get_param: …}` has said a map.
    template = functions.resolve(given["template"], path)
    size = _size(template, MOST_WORK)
    made = []
    for one in text_functions.rounds(lists, permutations, MOST_ITEMS):
        functions._spend(size + text_functions.search_cost(size, one), path)
        made.append(
            text_functions.replaced(template, one, lambda work: functions._spend(work, path))
        )
    return made


def _size(value: Any, most: int) -> int:
    """Letters and values of what a function has made; counted no further than `most`."""
    total, left = 0, [value]
    while left and total <= most:
        one = left.pop()
        total += 8 + len(one) if isinstance(one, str) else 8
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
    return total


LAZY: dict[str, Callable[[Functions, Any, str], Any]] = {
    "if": _if,
    "Fn::If": _if,
    "repeat": _repeat,
}

text_functions.PURE.update(cfn_functions.PURE)
