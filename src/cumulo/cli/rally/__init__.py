"""`cumulo rally …`, and `rally …` as a command of its own: Rally's command line.

Its groups are modules that are imported when they are called; what they do is in
`cumulo.benchmark`.
"""

import importlib
import sqlite3
import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click
import msgspec

from cumulo import __version__
from cumulo.cli.rally.common import database, plain

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "task": "Run task files, look at results, make reports.",
        "env": "Clouds to be measured.",
        "deployment": "What env was called before, with its own words.",
        "verify": "Tempest: install, configure, run, run again, compare.",
        "db": "The file with environments and results: it makes itself.",
        "plugin": "What task files can name: scenarios, contexts, runners, criteria, hooks.",
    }
)


class _Groups(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in GROUPS:
            return None
        module = importlib.import_module(f"{__name__}.{cmd_name}")
        found = getattr(module, cmd_name)
        assert isinstance(found, click.Command)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if type(error) is click.ClickException:
                raise click.ClickException(plain(error.message)) from None
            raise
        except sqlite3.Error as error:
            # Locked by another process, read-only, on a full disk, or no database at all.
            raise click.ClickException(f"results cannot be kept in {database()}: {error}") from None
        except (msgspec.MsgspecError, zlib.error) as error:
            raise click.ClickException(f"results in {database()} are damaged: {error}") from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(GROUPS.items()))


@click.group(cls=_Groups, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rally")
@click.option("-d", "--debug", is_flag=True, help="Show traces of errors.")
@click.option("--config-file", help="A rally.conf: its `[openstack]` says how long steps wait.")
@click.pass_context
def command(ctx: click.Context, debug: bool, config_file: str | None) -> None:
    """Measure a cloud with Rally's task files: this one, or any OpenStack by its clouds.yaml."""
    ctx.obj = {"debug": debug, "config_file": config_file}


def main() -> None:
    """The console script `rally`."""
    command(prog_name="rally")
