"""The command line's front door: a static table, so that one command imports one module.

Each command lives in `cumulo.cli.<name>` as a click command called `command`. The short help is
here and not there, because `cumulo --help` must not import thirteen services to list them.
"""

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import click

from cumulo import __version__

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "up": "Start the cloud; at the first time install and make what is missing.",
        "down": "Stop the cloud; --guests and --purge go further.",
        "restart": "Stop the control plane and start it again; servers go on.",
        "status": "Say what runs, where, and what is in it.",
        "why": "Tell the story of one resource: what happened, and why.",
        "can": "Say whether somebody may do something, and why.",
        "host": "Look after hosts: let machines join, drain and remove them.",
        "node": "Look after control nodes: several for one cloud, on PostgreSQL.",
        "join": "Make this machine a host of a cloud that runs elsewhere.",
        "identity": "Look after identity: rotate its keys, reset the admin's password.",
        "usage": "Tell what projects used in a time, and what it costs.",
        "settings": "Print every setting: default, value in force, reason.",
        "serve": "Run the control plane in the foreground (what `up` starts).",
        "bench": "Measure CPU per request, start-up and memory on this machine.",
        "simulate": "Run the whole cloud in simulated worlds with faults, by seeds.",
        "rally": "Measure clouds with Rally task files: load, verdicts, reports.",
        "setup": "Install what the machine lacks and build the guest image.",
        "object-store": "Look after the object store's devices: add, weigh, empty, repair.",
        "dns": "Look after name servers that are not the cloud's own: tell them all zones again.",
        "baremetal": "Have a farm of virtual machines with BMCs, to learn and to test with.",
        "image": "Make images: the small guest image from Debian packages.",
        "doctor": "Check the machine: what is missing, and the command that mends it.",
    }
)


class LazyGroup(click.Group):
    """A group whose commands are modules, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cumulo.cli.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cumulo")
def main() -> None:
    """Cumulo: an OpenStack-compatible cloud, started with one command."""


if __name__ == "__main__":
    main(prog_name="cumulo")
