"""`rally plugin …`: what task files can name."""

import inspect
import json
from collections.abc import Iterator

import click

from cumulo.benchmark import registry
from cumulo.benchmark.contexts import table as contexts
from cumulo.benchmark.engine import hooks, runners, sla
from cumulo.cli.rally.common import header, table


@click.group()
def plugin() -> None:
    """What task files can name."""


def _all() -> Iterator[tuple[str, str, str, str]]:
    """(base, name, platform, title) of everything."""
    for name, context in contexts.everything().items():
        yield "Context", name, "openstack", context.title
    for name in hooks.ACTIONS:
        yield "HookAction", name, "default", hooks.TITLES[name]
    for name in hooks.TRIGGERS:
        yield "HookTrigger", name, "default", hooks.TITLES[name]
    for name, title in sla.TITLES.items():
        yield "SLA", name, "default", title
    for name, found in registry.everything().items():
        yield "Scenario", name, "openstack" if found.platform else "default", found.title
    for name, title in runners.TITLES.items():
        yield "ScenarioRunner", name, "default", title
    for name, title in (
        ("html", "One self-contained page with plots"),
        ("json", "All results as one document"),
        ("junit-xml", "Test cases, one for each workload"),
        ("old-json-results", "The format before Rally 0.10"),
    ):
        yield "TaskExporter", name, "default", title


@plugin.command("list")
@click.argument("name", required=False)
@click.option("--name", "name_flag", help="Only what has this in its name.")
@click.option("--platform", help="Only of this platform.")
@click.option("--plugin-base", help="Only of this kind: Scenario, Context, ScenarioRunner, SLA …")
def list_(
    name: str | None, name_flag: str | None, platform: str | None, plugin_base: str | None
) -> None:
    """List what there is."""
    part = (name_flag or name or "").lower()
    found = [
        row
        for row in _all()
        if part in row[1].lower()
        and (not platform or row[2] == platform)
        and (not plugin_base or row[0] == plugin_base)
    ]
    if not found:
        click.echo(f"Plugin {part} not found")
        return
    click.echo(table(("Plugin base", "Name", "Platform", "Title"), found))


@plugin.command()
@click.argument("name", required=False)
@click.option("--name", "name_flag", help="Its name.")
@click.option("--platform", help="Its platform.")
def show(name: str | None, name_flag: str | None, platform: str | None) -> None:
    """Show what it is and which arguments it takes."""
    wanted = (name_flag or name or "").lower()
    if not wanted:
        raise click.UsageError("Missing argument 'NAME'.")
    found = [row for row in _all() if wanted in row[1].lower()]
    exact = [row for row in found if row[1].lower() == wanted]
    if not found:
        where = f"Plugin {wanted}@{platform}" if platform else f"Plugin {wanted}"
        tail = "" if platform else " at any platform"
        raise click.ClickException(f"{where} not found{tail}")
    if len(found) > 1 and not exact:
        click.echo("Multiple plugins found:")
        click.echo(table(("Plugin base", "Name", "Platform", "Title"), found))
        raise SystemExit(1)
    base, title, where, words = (exact or found)[0]
    click.echo(header(words))
    click.echo(f"NAME\n\t{title}\nPLATFORM\n\t{where}\nKIND\n\t{base}")
    if base == "Scenario":
        _show_scenario(registry.find(title))
    else:
        _show_schema(base, title)


def _show_scenario(found: registry.Scenario) -> None:
    if found.description:
        click.echo(f"DESCRIPTION\n\t{found.description}")
    if found.services:
        click.echo(f"SERVICES\n\t{', '.join(found.services)}")
    rows = []
    for name, p in found.parameters().items():
        kind = (
            ""
            if p.annotation is inspect.Parameter.empty
            else inspect.formatannotation(p.annotation)
        )
        if p.kind is inspect.Parameter.VAR_KEYWORD:
            rows.append((f"**{name}", kind, "more arguments, as the API takes them"))
            continue
        default = "required" if p.default is inspect.Parameter.empty else repr(p.default)
        named = f"describes one {found.finds[name]}" if name in found.finds else ""
        if named:
            kind = "{name: …}, {regex: …} or {id: …}"
        rows.append((name, kind, f"{default} {named}".strip()))
    if rows:
        click.echo("PARAMETERS")
        click.echo(table(("name", "type", "default"), rows))


def _show_schema(base: str, name: str) -> None:
    schemas = {
        "SLA": sla.SCHEMAS,
        "ScenarioRunner": runners.SCHEMAS,
        "HookAction": hooks.ACTIONS,
        "HookTrigger": hooks.TRIGGERS,
    }
    schema = contexts.find(name).schema if base == "Context" else schemas.get(base, {}).get(name)
    if schema:
        click.echo("SCHEMA")
        click.echo(json.dumps(schema, indent=2))
