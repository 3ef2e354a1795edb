"""Task files as templates: Jinja2 with what the command line gives, then YAML (JSON is YAML, too).

Files that include others find them beside themselves. The template's language is confined: it
cannot reach into Python.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cumulo.benchmark.model import document

FILE_BYTES = 4 * 1024 * 1024


class BadTemplate(Exception):
    """The file cannot become a task; the text says why."""


def arguments(raw: str | None, from_file: str | None) -> dict[str, Any]:
    """`--task-args` over `--task-args-file`: YAML, JSON, or `name=value,name=value`."""
    found: dict[str, Any] = {}
    for text, name in ((raw, "--task-args"), (from_file, "--task-args-file")):
        if text and len(text) > FILE_BYTES:
            raise BadTemplate(f"{name} has more than {FILE_BYTES} bytes")
    if from_file:
        try:
            given = document.decode(from_file)
        except document.NotPlain as error:
            raise BadTemplate(
                "Invalid --task-args-file passed:\n\n\t File has to be YAML or JSON. "
                f"Details:\n\n{error}"
            ) from None
        found.update(_dictionary(given, "--task-args-file"))
    if raw:
        try:
            given = document.decode(raw)
        except document.NotPlain as error:
            raise BadTemplate(
                "Invalid --task-args passed:\n\n\t Value has to be YAML or JSON. "
                f"Details:\n\n{error}"
            ) from None
        if isinstance(given, str) and all("=" in pair for pair in given.split(",")):
            given = dict(pair.split("=", 1) for pair in given.split(","))
        found.update(_dictionary(given, "--task-args"))
    return found


def _dictionary(given: Any, source: str) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadTemplate(
            f"Invalid {source} passed:\n\n\t Value has to be YAML or JSON with names and values, "
            f"'{type(given).__name__}' is found."
        )
    return dict(given)


def render(text: str, args: Mapping[str, Any], folder: Path) -> str:
    """The file with its variables filled in. Raises BadTemplate, with all names that lack."""
    import jinja2
    from jinja2 import meta

    if len(text) > FILE_BYTES:
        raise BadTemplate(f"a task file has at most {FILE_BYTES} bytes")
    environment = _confined()(loader=jinja2.FileSystemLoader([str(folder)]))
    environment.globals.update(
        min=min, max=max, round=lambda x: round(x), ceil=math.ceil, int=int, float=float, str=str
    )
    try:
        tree = environment.parse(text)
        wanted = meta.find_undeclared_variables(tree)
        missing = sorted(wanted - set(args) - set(environment.globals) - _with_default(tree))
        if missing:
            several = (
                "next template task arguments" if len(missing) > 1 else ("template task argument")
            )
            raise BadTemplate(
                "Invalid task file passed:\n\n\t Failed to render task template.\n\n"
                f"Please specify {several}: {', '.join(missing)}"
            )
        return _bounded(environment.from_string(text).generate(**args))
    except BadTemplate:
        raise
    except Exception as error:
        # A template is a program of the user's: it can raise whatever Python can.
        words = "it takes too much memory" if isinstance(error, MemoryError) else str(error)
        raise BadTemplate(
            "Invalid task file passed:\n\n\t Failed to render task template.\n\n"
            f"{words or type(error).__name__}"
        ) from None


def _bounded(parts: Iterable[str]) -> str:
    """A loop in a loop writes more than any machine holds: it is stopped where a file ends."""
    found: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > FILE_BYTES:
            raise BadTemplate(f"a task file has at most {FILE_BYTES} bytes when it is filled in")
        found.append(part)
    return "".join(found)


def _confined() -> type:
    """Jinja2's sandbox, where no multiplication makes something huge either. (Other steps can:
    what a whole template may take is bounded by the process that fills it in, see renderer.)"""
    from jinja2.sandbox import SandboxedEnvironment

    class Confined(SandboxedEnvironment):
        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            size = _power(left, right) if operator == "**" else _product(left, right)
            if size > FILE_BYTES:
                raise BadTemplate(f"{operator} would make more than {FILE_BYTES} bytes")
            return super().call_binop(context, operator, left, right)

    return Confined


def _power(base: Any, exponent: Any) -> float:
    if not isinstance(base, int) or not isinstance(exponent, int):
        return 0
    return base.bit_length() * max(0, exponent) / 8


def _product(left: Any, right: Any) -> float:
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | bytes | list | tuple) and isinstance(times, int):
            return len(many) * max(0, times)
    return 0


def _with_default(tree: Any) -> set[str]:
    """The variables that a template can do without, since it says what else:
    `{% set x = x or 1 %}`, `x|default(1)`, `x is defined`."""
    from jinja2 import nodes

    found = {
        each.left.name for each in tree.find_all(nodes.Or) if isinstance(each.left, nodes.Name)
    }
    for each in tree.find_all((nodes.Filter, nodes.Test)):
        known = ("default", "d") if isinstance(each, nodes.Filter) else ("defined", "undefined")
        if each.name in known and isinstance(each.node, nodes.Name):
            found.add(each.node.name)
    for each in tree.find_all(nodes.Assign):
        used = [each.node, *each.node.find_all(nodes.Name)]
        if any(isinstance(name, nodes.Name) and name.name == _target(each) for name in used):
            found.add(_target(each))
    return found


def _target(assign: Any) -> str:
    return str(getattr(assign.target, "name", ""))


def decode(text: str) -> Any:
    """The rendered file's document. Raises BadTemplate."""
    try:
        return document.decode(text)
    except document.NotPlain as error:
        raise BadTemplate(
            "Invalid task file passed:\n\n\t Wrong format of rendered input task. It should be "
            f"YAML or JSON. Details:\n\n{error}"
        ) from None
