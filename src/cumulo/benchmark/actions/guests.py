"""Steps in guests: booted so that one can log in; commands in them over ssh, in Rally's words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cumulo.benchmark.actions import neutron, nova
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.engine.surroundings import Guests, Login

SCRIPT = 1024 * 1024
_KEYS = {
    *("script_file", "script_inline", "interpreter", "remote_path", "local_path", "command_args"),
}
# A program that is brought along: it is what comes in.
_BROUGHT = 'cat > "$0" && chmod 755 "$0" && exec "$0" "$@"'


def command_of(command: dict[str, Any]) -> tuple[list[str], bytes]:
    """(words, what they read): Rally's way to say what is to be run."""
    unknown = set(command) - _KEYS
    if unknown:
        raise CheckFailed(f"Unexpected command parameters: {', '.join(sorted(unknown))}")
    words: list[str] = []
    for name in ("interpreter", "remote_path", "command_args"):
        value = command.get(name) or []
        words += [value] if isinstance(value, str) else [str(v) for v in value]
    if command.get("local_path"):
        remote = command.get("remote_path")
        if not isinstance(remote, str) or command.get("interpreter"):
            raise CheckFailed("'local_path' wants a 'remote_path' to be put at, and nothing else")
        return ["/bin/sh", "-c", _BROUGHT, *words], read(command["local_path"])
    if not command.get("interpreter") and not command.get("remote_path"):
        raise CheckFailed(
            "Supplied dict specifies no command to execute, either interpreter or remote_path is "
            f"required: {command!r}"
        )
    if command.get("script_file"):
        script = read(command["script_file"])
    else:
        script = str(command.get("script_inline") or "").encode()
    return words, script


def problems(args: Mapping[str, Any]) -> list[str]:
    """Before anything is made for it."""
    command = args.get("command")
    if command is None:
        return []
    if not isinstance(command, dict):
        return [f"Parameter 'command' should be a dict, but '{type(command).__name__}' is found."]
    try:
        command_of(command)
    except (CheckFailed, TypeError) as error:
        return [str(error)]
    return []


def read(path: str) -> bytes:
    found = Path(path).expanduser()
    if not found.is_file() or found.stat().st_size > SCRIPT:
        raise CheckFailed(f"Could not open {path} with mode 4 for parameter command")
    return found.read_bytes()


async def boot(
    run: Run, image: str, flavor: str, floating: bool, outside: str | None, args: dict[str, Any]
) -> tuple[str, str]:
    """(server, address at which it can be reached)."""
    assert run.user is not None
    args.pop("fixed_network", None)
    named = {**args, "key_name": run.user.data["keypair"]["name"]}
    server = await nova.boot_server(run, image, flavor, auto_assign_nic=True, **named)
    addresses = [a["addr"] for each in server["addresses"].values() for a in each]
    if not addresses:
        raise CheckFailed(f"Server `{server['name']}' is not connected to any network.")
    if not floating:
        return server["id"], addresses[0]
    made = await neutron.create_floating_ip(run, outside)
    await nova.associate_floating_ip(run, server["id"], made)
    return server["id"], made["floating_ip_address"]


async def own_addresses(run: Run, server: str) -> list[str]:
    """Of its ports, without the floating ones."""
    ports = await neutron.list_ports(run, device_id=server)
    return [ip["ip_address"] for port in ports for ip in port["fixed_ips"]]


async def run_in(
    run: Run, address: str, username: str, port: int, command: dict[str, Any]
) -> tuple[str, str]:
    """(output, errors) of a command that succeeded."""
    words, script = command_of(command)
    guests, login = await _reach(run, Login(address, port, username, _key(run)))
    with run.action("vm.run_command_over_ssh"):
        status, output, errors = await guests.run(login, words, script)
    if status:
        raise CheckFailed(f"Error running command {command}. Error {status}: {errors[:2000]}")
    return output, errors


async def bring(
    run: Run, address: str, username: str, program: bytes, given: bytes
) -> tuple[str, str]:
    """(output, errors) of a program of ours that reads what is given."""
    guests, login = await _reach(run, Login(address, 22, username, _key(run)))
    path = "/tmp/.rally-workload"
    await guests.run(login, ["/bin/sh", "-c", f"cat > {path} && chmod 755 {path}"], program)
    with run.action("runcommand_heat.workload"):
        _, output, errors = await guests.run(login, [path], given)
    return output, errors


def _key(run: Run) -> str:
    assert run.user is not None
    key: str = run.user.data["keypair"]["private"]
    return key


async def _reach(run: Run, login: Login) -> tuple[Guests, Login]:
    guests = run.surroundings.guests
    if guests is None:
        raise CheckFailed("Guests cannot be reached from here")
    with run.action("vm.wait_for_ssh"):
        await guests.reach(login, run.timeout("vm_ping_timeout"))
    return guests, login
