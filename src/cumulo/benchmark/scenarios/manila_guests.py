"""Shares as guests use them."""

from typing import Any

from cumulo.benchmark.actions import guests, manila, nova
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import scenario
from cumulo.benchmark.scenarios import manila as _shares  # noqa: F401 (its declarations)
from cumulo.benchmark.scenarios import vm

# What of the further arguments is the share's; the rest is the server's.
_SHARES = frozenset(
    {"share_type", "share_network", "availability_zone", "metadata", "snapshot_id", "is_public"}
)

_MOUNT = """
set -e
command -v cloud-init >/dev/null && cloud-init status --wait >/dev/null 2>&1 || true
become=; [ "$(id -u)" = 0 ] || become=sudo
$become mkdir -p /mnt
$become mount -t nfs -o nfsvers=4.1,proto=tcp "$1" /mnt 2>/dev/null ||
    $become mount.nfs "$1" /mnt -o nfsvers=4.1,proto=tcp
$become sh -c "echo written > /mnt/testfile"
cat /mnt/testfile
$become umount /mnt
"""
_CLIENT = "#cloud-config\npackages:\n - nfs-common\n"


@scenario(
    "ManilaShares.create_share_and_access_from_vm",
    **{
        **vm.BOOT,
        "services": ("nova", "manila"),
        "cleanup": (*vm.BOOT["cleanup"], "manila"),
        "more": nova.SERVER_WORDS | _SHARES,
    },
)
async def create_share_and_access_from_vm(
    run: Run,
    image: str,
    flavor: str,
    username: str,
    size: int = 1,
    password: str | None = None,
    floating_network: str | None = None,
    port: int = 22,
    use_floating_ip: bool = True,
    force_delete: bool = False,
    max_log_length: int | None = None,
    **kwargs: Any,
) -> None:
    """Create a share, let a server have it, mount it there and write to it"""
    mine = {name: kwargs.pop(name) for name in _SHARES & set(kwargs)}
    share = await manila.create_share(run, "NFS", size, **mine)
    place = await manila.export_location(run, share["id"])
    kwargs.setdefault("userdata", _CLIENT)
    server, address = await guests.boot(
        run, image, flavor, use_floating_ip, floating_network, kwargs
    )
    # Which of its addresses the export sees is the cloud's affair.
    for each in sorted({address, *await guests.own_addresses(run, server)}):
        await manila.allow_access(run, share["id"], "ip", each, "rw")
    command = {
        "interpreter": "/bin/sh",
        "script_inline": _MOUNT,
        "command_args": ["-s", "--", place],
    }
    output, errors = await guests.run_in(run, address, username, port, command)
    vm.show(run, output, errors)
    await nova.delete_server(run, server, force=force_delete)
    await manila.delete_share(run, share["id"])
