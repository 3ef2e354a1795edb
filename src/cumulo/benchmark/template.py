"""Task files as templates: Jinja2 with what the command line gives, then YAML (JSON is YAML, too).

Files that include others find them beside themselves. The template's language is confined: it
cannot reach into Python.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FILE_BYTES = 4 * 1024 * 1024


class BadTemplate(Exception):
    """The file cannot become a task; the text says why."""


def arguments(raw: str | None, from_file: str | None) -> dict[str, Any]:
    """`--task-args` over `--task-args-file`: YAML, JSON, or `name=value,name=value`."""
    found: dict[str, Any] = {}
    if from_file:
        try:
            given = yaml.safe_load(from_file)
        except yaml.YAMLError as error:
            raise BadTemplate(
                "Invalid --task-args-file passed:\n\n\t File has to be YAML or JSON. "
                f"Details:\n\n{error}"
            ) from None
        found.update(_dictionary(given, "--task-args-file"))
    if raw:
        try:
            given = yaml.safe_load(raw)
        except yaml.YAMLError as error:
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
    return {str(name): value for name, value in given.items()}


def render(text: str, args: Mapping[str, Any], folder: Path) -> str:
    """The file with its variables filled in. Raises BadTemplate, with all names that lack."""
    import jinja2
    from jinja2 import meta
    from jinja2.sandbox import SandboxedEnvironment

    if len(text) > FILE_BYTES:
        raise BadTemplate(f"a task file has at most {FILE_BYTES} bytes")
    environment = SandboxedEnvironment(loader=jinja2.FileSystemLoader([str(folder)]))
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
        return environment.from_string(text).render(**args)
    except (jinja2.TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise BadTemplate(
            "Invalid task file passed:\n\n\t Failed to render task template.\n\n"
            f"{error or type(error).__name__}"
        ) from None


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
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadTemplate(
            "Invalid task file passed:\n\n\t Wrong format of rendered input task. It should be "
            f"YAML or JSON. Details:\n\n{error}"
        ) from None
