"""Scenarios of commands inside of guests, over ssh."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cumulo.benchmark.actions import cinder, neutron, nova
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.engine.surroundings import Login
from cumulo.benchmark.registry import Fit, number, scenario

Args = dict[str, Any] | None

SCRIPT = 1024 * 1024
REACHABLE = 300.0
_KEYS = {
    *("script_file", "script_inline", "interpreter", "remote_path", "local_path", "command_args"),
}
# A program that is brought along: it is what comes in.
_BROUGHT = 'cat > "$0" && chmod 755 "$0" && exec "$0" "$@"'

BOOT: Any = {
    "services": ("nova",),
    "cleanup": ("nova", "cinder", "neutron.floatingip"),
    "finds": {"image": "image", "flavor": "flavor"},
    "fits": (Fit(),),
    "brings": {"keypair": {}, "allow_ssh": None},
    "numbers": {"port": number(1, 65_535, whole=True)},
    "router": True,
    # A word of before: the networks are those of the context.
    "more": nova.SERVER_WORDS | {"fixed_network"},
}

# How long a guest takes to write and read 100 MB, as one document.
_DD = """
time_of() {
    s=$(date +%s%N 2>/dev/null); "$@" >/dev/null 2>&1; e=$(date +%s%N 2>/dev/null)
    echo "$s $e" | awk '{ printf "%.3f", ($2 - $1) / 1000000000 }'
}
file=$(mktemp)
w=$(time_of dd if=/dev/zero of=$file bs=1M count=100 conv=fsync)
r=$(time_of dd if=$file of=/dev/null bs=1M)
rm -f $file
printf '{"additive": [{"title": "dd of 100 MB", "chart_plugin": "StatsTable", '
printf '"data": [["write, s", %s], ["read, s", %s]]}]}\\n' "$w" "$r"
"""


def _command(command: dict[str, Any]) -> tuple[list[str], bytes]:
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
        return ["/bin/sh", "-c", _BROUGHT, *words], _read(command["local_path"])
    if not command.get("interpreter") and not command.get("remote_path"):
        raise CheckFailed(
            "Supplied dict specifies no command to execute, either interpreter or remote_path is "
            f"required: {command!r}"
        )
    if command.get("script_file"):
        script = _read(command["script_file"])
    else:
        script = str(command.get("script_inline") or "").encode()
    return words, script


def _command_problems(args: Mapping[str, Any]) -> list[str]:
    """Before anything is made for it."""
    command = args.get("command")
    if command is None:
        return []
    if not isinstance(command, dict):
        return [f"Parameter 'command' should be a dict, but '{type(command).__name__}' is found."]
    try:
        _command(command)
    except (CheckFailed, TypeError) as error:
        return [str(error)]
    return []


def _read(path: str) -> bytes:
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
    assert run.user is not None
    env = run.surroundings
    if env.guests is None:
        raise CheckFailed("Guests cannot be reached from here")
    words, script = _command(command)
    login = Login(address, port, username, run.user.data["keypair"]["private"])
    with run.action("vm.wait_for_ssh"):
        await env.guests.reach(login, REACHABLE)
    with run.action("vm.run_command_over_ssh"):
        status, output, errors = await env.guests.run(login, words, script)
    if status:
        raise CheckFailed(f"Error running command {command}. Error {status}: {errors[:2000]}")
    return output, errors


@scenario("VMTasks.boot_runcommand_delete", **BOOT, check=_command_problems)
async def boot_runcommand_delete(
    run: Run,
    flavor: str,
    username: str,
    image: str,
    command: dict[str, Any],
    password: str | None = None,
    volume_args: Args = None,
    floating_network: str | None = None,
    port: int = 22,
    use_floating_ip: bool = True,
    force_delete: bool = False,
    wait_for_ping: bool = True,
    max_log_length: int | None = None,
    **kwargs: Any,
) -> None:
    """Boot a server, run a command in it over ssh, delete it"""
    args = dict(kwargs)
    if volume_args:
        volume = await cinder.create_volume(run, volume_args["size"])
        args["block_device_mapping"] = {"vdrally": f"{volume['id']}:::1"}
    server, address = await boot(run, image, flavor, use_floating_ip, floating_network, args)
    output, errors = await run_in(run, address, username, port, command)
    show(run, output, errors)
    await nova.delete_server(run, server, force=force_delete)


def show(run: Run, output: str, errors: str) -> None:
    """What it printed; JSON with charts goes into the report as charts."""
    import msgspec

    try:
        charts = msgspec.json.decode(output)
        for kind in ("additive", "complete"):
            for chart in charts.get(kind, ()):
                run.output(**{kind: chart})
    except (msgspec.DecodeError, AttributeError, TypeError, CheckFailed):
        lines = [f"StdErr: {errors or '(none)'}", "StdOut:", *output.split("\n")]
        run.output(complete={"title": "Script output", "chart_plugin": "TextArea", "data": lines})


@scenario("VMTasks.dd_load_test", **BOOT)
async def dd_load_test(
    run: Run,
    flavor: str,
    username: str,
    image: str,
    password: str | None = None,
    command: Args = None,
    interpreter: str = "/bin/sh",
    volume_args: Args = None,
    floating_network: str | None = None,
    port: int = 22,
    use_floating_ip: bool = True,
    force_delete: bool = False,
    wait_for_ping: bool = True,
    max_log_length: int | None = None,
    **kwargs: Any,
) -> None:
    """Boot a server and measure how fast its disk writes and reads"""
    shell = (command or {}).get("interpreter") or interpreter
    await boot_runcommand_delete(
        run,
        flavor,
        username,
        image,
        {"interpreter": shell, "script_inline": _DD},
        volume_args=volume_args,
        floating_network=floating_network,
        port=port,
        use_floating_ip=use_floating_ip,
        force_delete=force_delete,
        **kwargs,
    )


# Whatever the guest has of these; what it says has to hold an address that the server has.
_RESOLVE = """
name=$(hostname -s 2>/dev/null || hostname).{zone}
command -v cloud-init >/dev/null && cloud-init status --wait >/dev/null 2>&1
if command -v dig >/dev/null; then dig +noall +answer "$name"
elif command -v host >/dev/null; then host "$name"
elif command -v nslookup >/dev/null; then nslookup "$name"
else getent hosts "$name"; fi
"""


@scenario(
    "VMTasks.check_designate_dns_resolving",
    **{**BOOT, "services": ("nova", "designate"), "contexts": ("zones",)},
)
async def check_designate_dns_resolving(
    run: Run,
    image: str,
    flavor: str,
    username: str,
    password: str | None = None,
    floating_network: str | None = None,
    port: int = 22,
    use_floating_ip: bool = True,
    force_delete: bool = False,
    max_log_length: int | None = None,
    **kwargs: Any,
) -> None:
    """Boot a server and resolve its name inside of it"""
    zone = run.tenant["zones"][0]["name"]
    server, address = await boot(run, image, flavor, use_floating_ip, floating_network, kwargs)
    # The zone has its floating address, its network's own resolver the fixed one.
    fixed = [address, *await own_addresses(run, server)]
    command = {"interpreter": "/bin/sh", "script_inline": _RESOLVE.replace("{zone}", zone)}
    output, errors = await run_in(run, address, username, port, command)
    if not any(each in output.split() for each in fixed):
        raise CheckFailed(f"None of {', '.join(fixed)} in the answer: {(output + errors)[:500]}")
    show(run, output, errors)
    await nova.delete_server(run, server, force=force_delete)
