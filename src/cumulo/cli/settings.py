"""`cumulo settings [NAME]`: every setting with its default, the value in force and its reason.

The reasons are the strings below the fields, in `settings.py` of the cloud and of each service.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from cumulo.cli.options import data_dir_option, load_settings
from cumulo.settings import Settings, service_tables

HIDDEN = ("tables",)
"""Of the cloud's own: how it keeps those of the services."""


def reasons(kind: type) -> dict[str, str]:
    """Field → the string that stands below it in the class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[before.target.id] = " ".join(str(after.value.value).split())
    return found


def lines(prefix: str, values: Any) -> Iterator[tuple[str, Any, Any, str]]:
    """(name, default, value in force, reason) of each field; nested tables are gone into."""
    why = reasons(type(values))
    for field in msgspec.structs.fields(values):
        if field.name in HIDDEN:
            continue
        value, name = getattr(values, field.name), prefix + field.name
        if isinstance(value, msgspec.Struct):
            yield from lines(f"{name}.", value)
            continue
        default = field.default if field.default is not msgspec.NODEFAULT else None
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        yield name, default, value, why.get(field.name, "")


def everything(settings: Settings) -> Iterator[tuple[str, Any, Any, str]]:
    yield from lines("", settings)
    for kind in service_tables():
        yield from lines(f"{kind.table}.", settings.of(kind))


@click.command()
@click.argument("name", required=False)
@data_dir_option
def command(name: str | None, data_dir: Path | None) -> None:
    """Print the settings whose name is NAME or begins with it; all without one.

    They are changed in DATA/cumulo.toml: `identity.token_lifetime` is `token_lifetime` in the
    table `[identity]`.
    """
    known = list(everything(load_settings(data_dir)))
    shown = [each for each in known if name is None or f"{each[0]}.".startswith(f"{name}.")]
    if not shown:
        raise click.ClickException(f"there is no setting {name!r}")
    for full, default, value, reason in shown:
        click.echo(f"{full} = {_text(value)}" + ("" if value == default else "   (set)"))
        if value != default:
            click.echo(f"    default: {_text(default)}")
        if reason:
            click.echo(textwrap.fill(reason, 96, initial_indent="    ", subsequent_indent="    "))


def _text(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
