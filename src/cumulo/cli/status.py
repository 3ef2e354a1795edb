"""`cumulo status`: does it run, where, and what is in it."""

import os
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings, typed
from cumulo.settings import RESTORED

ROOTS = Path("/var/lib/cumulo")
"""Where root's cloud is, if nobody said otherwise."""


@click.command()
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(data_dir: Path | None, as_json: bool) -> None:
    """Say what runs. Exit status 1 when the control plane does not."""
    settings = load_settings(data_dir, forgiving=True)
    found = instance.running(settings)
    state: dict[str, Any] = {"running": found is not None, "data_dir": str(settings.data_dir)}
    if found is not None:
        state |= {
            "pid": found.pid,
            "url": found.base_url,
            "seconds": round(time.time() - found.since),
            "memory_mb": _memory(found.pid),
        }
        host = instance.host_here(settings)
        if host is not None:
            state |= {"host": host, "url": instance.cloud_of(settings)}
        try:
            if host is None:
                state |= instance.Client(settings, found.base_url).get("/cumulo/status")
        except instance.ApiError as error:
            state["problem"] = str(error)
    if (settings.data_dir / RESTORED).exists():
        state["restored"] = (
            "an older copy of the database was put in place: files that it does not "
        )
        state["restored"] += f"know are kept, until {settings.data_dir / RESTORED} is removed"
    if as_json:
        click.echo(msgspec.json.encode(state).decode())
    else:
        _show(state, typed(settings, "up"))
    raise SystemExit(0 if found is not None else 1)


def _memory(pid: int) -> int:
    """Proportional set size in MiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) // 1024
    return 0


def _show(state: dict[str, Any], start: str) -> None:
    if not state["running"]:
        click.echo(f"stopped    (data in {state['data_dir']}); start: {start}")
        if os.geteuid() != 0 and (ROOTS / "secrets").exists():
            click.echo(f"           there is a cloud of root's in {ROOTS}: sudo ./cumulo status")
        return
    click.echo(f"running    pid {state['pid']}, {state['memory_mb']} MB, for {state['seconds']} s")
    if "host" in state:
        click.echo(f"host       {state['host']} of the cloud at {state['url']}")
    else:
        click.echo(f"APIs       {state['url']}")
    click.echo(f"data       {state['data_dir']}")
    for host in state.get("hosts", []):
        health = "up" if host["alive"] else "DOWN"
        click.echo(f"host       {host['id']} {health}, {', '.join(host['kinds'])}")
        for kind, fault in host["faults"].items():
            click.echo(f"           {kind}: {fault}")
        for kind, count in host["unknown"].items():
            known = start.replace(" up", " host unknown list", 1)
            click.echo(f"           {kind}: {count} that nobody knows, kept: {known}")
    counts = state.get("counts", {})
    width = max(map(len, counts), default=10)
    for noun, count in counts.items():
        click.echo(f"{noun:{width}} {count}")
    for reader in state.get("consumers", []):
        if reader["dropped_at"] or reader["fault"]:
            since = f"dropped at {reader['dropped_at']}" if reader["dropped_at"] else "fails"
            click.echo(f"events     {reader['name']} {since} {reader['fault'] or ''}")
    for doubt in state.get("policy", []):
        click.echo(f"policy     {doubt}")
    if "restored" in state:
        click.echo(f"restored   {state['restored']}")
    if "problem" in state:
        click.echo(f"problem    {state['problem']}")
