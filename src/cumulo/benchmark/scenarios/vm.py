"""Scenarios of commands inside of guests, over ssh."""

from typing import Any

import msgspec

from cumulo.benchmark.actions import cinder, guests, heat, nova
from cumulo.benchmark.engine.run import CheckFailed, Run
from cumulo.benchmark.registry import Fit, number, scenario

Args = dict[str, Any] | None

# An argument that a context may give instead.
_CUSTOM = {"image": "image_command_customizer"}

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
    # Hundredths of a second, in every guest: not every `date` knows parts of one.
    s=$(cut -d' ' -f1 /proc/uptime); "$@" >/dev/null 2>&1; e=$(cut -d' ' -f1 /proc/uptime)
    echo "$s $e" | awk '{ printf "%.3f", $2 - $1 }'
}
file=$(mktemp)
w=$(time_of dd if=/dev/zero of=$file bs=1M count=100 conv=fsync)
r=$(time_of dd if=$file of=/dev/null bs=1M)
rm -f $file
printf '{"additive": [{"title": "dd of 100 MB", "chart_plugin": "StatsTable", '
printf '"data": [["write, s", %s], ["read, s", %s]]}]}\\n' "$w" "$r"
"""


@scenario("VMTasks.boot_runcommand_delete", **BOOT, check=guests.problems, or_context=_CUSTOM)
async def boot_runcommand_delete(
    run: Run,
    flavor: str,
    username: str,
    command: dict[str, Any],
    image: str | None = None,
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
    image = image or run.tenant["custom_image"]
    if volume_args:
        volume = await cinder.create_volume(run, volume_args["size"])
        args["block_device_mapping"] = {"vdrally": f"{volume['id']}:::1"}
    server, address = await guests.boot(run, image, flavor, use_floating_ip, floating_network, args)
    output, errors = await guests.run_in(run, address, username, port, command)
    show(run, output, errors)
    await nova.delete_server(run, server, force=force_delete)


def show(run: Run, output: str, errors: str) -> None:
    """What it printed; JSON with charts goes into the report as charts."""
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
        {"interpreter": shell, "script_inline": _DD},
        image,
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
    server, address = await guests.boot(
        run, image, flavor, use_floating_ip, floating_network, kwargs
    )
    # The zone has its floating address, its network's own resolver the fixed one.
    fixed = [address, *await guests.own_addresses(run, server)]
    command = {"interpreter": "/bin/sh", "script_inline": _RESOLVE.replace("{zone}", zone)}
    output, errors = await guests.run_in(run, address, username, port, command)
    if not any(each in output.split() for each in fixed):
        raise CheckFailed(f"None of {', '.join(fixed)} in the answer: {(output + errors)[:500]}")
    show(run, output, errors)
    await nova.delete_server(run, server, force=force_delete)


def _workload_problems(args: Any) -> list[str]:
    workload = args.get("workload")
    if not isinstance(workload, dict) or not isinstance(workload.get("username"), str):
        return ["'workload' should be a dict with 'file' and 'username'"]
    if workload.get("resource"):
        return ["A workload out of a Python package is not read here: name it by 'file'"]
    try:
        guests.read(str(workload.get("file")))
    except CheckFailed as error:
        return [str(error)]
    return []


@scenario(
    "VMTasks.runcommand_heat",
    services=("heat", "nova"),
    cleanup=("nova", "heat"),
    files=("template",),
    brings={"keypair": {}, "allow_ssh": None, "network": {}},
    router=True,
    check=_workload_problems,
)
async def runcommand_heat(
    run: Run,
    workload: dict[str, Any],
    template: str,
    files: dict[str, str],
    parameters: dict[str, Any],
) -> None:
    """Run a program on a stack, in the guest at its output `gate_node`, and show what it found"""
    assert run.user is not None
    given = {
        **parameters,
        "key_name": run.user.data["keypair"]["name"],
        "router_id": run.tenant["networks"][0]["router_id"],
    }
    stack = await heat.create_stack(run, template, given, files)
    outputs = {o["output_key"]: o["output_value"] for o in stack.get("outputs", ())}
    if "gate_node" not in outputs:
        raise CheckFailed("The stack has no output gate_node")
    found, errors = await guests.bring(
        run,
        str(outputs["gate_node"]),
        workload["username"],
        guests.read(workload["file"]),
        msgspec.json.encode(stack.get("outputs", ())),
    )
    rows = [line.split(":") for line in found.splitlines()]
    for row in rows:
        if len(row) != 2:
            raise CheckFailed(f"Invalid data '{':'.join(row)[:200]}'")
    if not rows:
        raise CheckFailed(f"No data returned. Original error message is {errors[:2000]}")
    run.output(
        complete={
            "title": "Workload summary",
            "description": "Data generated by workload",
            "chart_plugin": "Table",
            "data": {"cols": ["key", "value"], "rows": rows},
        }
    )
