"""Scenarios of shared file systems."""

import random
from typing import Any

from cumulo.benchmark.actions import manila
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import number, scenario

Args = dict[str, Any] | None

_PROTOCOLS = ["NFS", "CIFS", "GLUSTERFS", "HDFS", "CEPHFS"]
_OWN: Any = {"services": ("manila",), "cleanup": ("manila",)}
_PROTO: Any = {
    **_OWN,
    "numbers": {"share_proto": {"enum": _PROTOCOLS + [p.lower() for p in _PROTOCOLS]}},
}


@scenario("ManilaShares.create_and_delete_share", **_PROTO)
async def create_and_delete_share(
    run: Run,
    share_proto: str,
    size: int = 1,
    min_sleep: float = 0,
    max_sleep: float = 0,
    **kwargs: Any,
) -> None:
    """Create a share and delete it"""
    share = await manila.create_share(run, share_proto, size, **kwargs)
    await run.sleep_between(min_sleep, max_sleep)
    await manila.delete_share(run, share["id"])


@scenario("ManilaShares.create_and_list_share", **_PROTO)
async def create_and_list_share(
    run: Run,
    share_proto: str,
    size: int = 1,
    min_sleep: float = 0,
    max_sleep: float = 0,
    detailed: bool = True,
    **kwargs: Any,
) -> None:
    """Create a share and list all of them"""
    await manila.create_share(run, share_proto, size, **kwargs)
    await run.sleep_between(min_sleep, max_sleep)
    await manila.list_shares(run, detailed)


@scenario("ManilaShares.list_shares", services=("manila",))
async def list_shares(run: Run, detailed: bool = True, search_opts: Args = None) -> None:
    """List shares"""
    await manila.list_shares(run, detailed, search_opts)


@scenario("ManilaShares.create_and_extend_share", **_PROTO)
async def create_and_extend_share(
    run: Run, share_proto: str, size: int = 1, new_size: int = 2, **kwargs: Any
) -> None:
    """Create a share and extend it"""
    share = await manila.create_share(run, share_proto, size, **kwargs)
    await manila.extend_share(run, share["id"], new_size)


@scenario("ManilaShares.create_and_shrink_share", **_PROTO)
async def create_and_shrink_share(
    run: Run, share_proto: str, size: int = 2, new_size: int = 1, **kwargs: Any
) -> None:
    """Create a share and shrink it"""
    share = await manila.create_share(run, share_proto, size, **kwargs)
    await manila.shrink_share(run, share["id"], new_size)


@scenario("ManilaShares.create_share_then_allow_and_deny_access", **_PROTO)
async def create_share_then_allow_and_deny_access(
    run: Run,
    share_proto: str,
    access_type: str,
    access: str,
    access_level: str = "rw",
    size: int = 1,
    **kwargs: Any,
) -> None:
    """Create a share, let somebody in, and out again"""
    share = await manila.create_share(run, share_proto, size, **kwargs)
    made = await manila.allow_access(run, share["id"], access_type, access, access_level)
    await manila.deny_access(run, share["id"], made)


@scenario("ManilaShares.create_share_network_and_delete", **_OWN)
async def create_share_network_and_delete(
    run: Run,
    neutron_net_id: str | None = None,
    neutron_subnet_id: str | None = None,
    nova_net_id: str | None = None,
    name: str | None = None,
    description: str | None = None,
) -> None:
    """Create a share network and delete it"""
    made = await manila.create_network(
        run,
        neutron_net_id=neutron_net_id,
        neutron_subnet_id=neutron_subnet_id,
        description=description,
    )
    await manila.delete_network(run, made["id"])


@scenario("ManilaShares.create_share_network_and_list", **_OWN)
async def create_share_network_and_list(
    run: Run,
    neutron_net_id: str | None = None,
    neutron_subnet_id: str | None = None,
    nova_net_id: str | None = None,
    name: str | None = None,
    description: str | None = None,
    detailed: bool = True,
    search_opts: Args = None,
) -> None:
    """Create a share network and list all of them"""
    await manila.create_network(
        run,
        neutron_net_id=neutron_net_id,
        neutron_subnet_id=neutron_subnet_id,
        description=description,
    )
    await manila.list_networks(run, detailed, search_opts)


@scenario("ManilaShares.list_share_servers", services=("manila",), admin=True)
async def list_share_servers(run: Run, search_opts: Args = None) -> None:
    """List share servers"""
    await manila.list_servers(run, search_opts)


@scenario("ManilaShares.create_security_service_and_delete", **_OWN)
async def create_security_service_and_delete(
    run: Run,
    security_service_type: str,
    dns_ip: str | None = None,
    server: str | None = None,
    domain: str | None = None,
    user: str | None = None,
    password: str | None = None,
    name: str | None = None,
    description: str | None = None,
) -> None:
    """Create a security service and delete it"""
    made = await manila.create_security_service(
        run,
        security_service_type,
        dns_ip=dns_ip,
        server=server,
        domain=domain,
        user=user,
        password=password,
        description=description,
    )
    await manila.delete_security_service(run, made["id"])


@scenario("ManilaShares.attach_security_service_to_share_network", **_OWN)
async def attach_security_service_to_share_network(
    run: Run, security_service_type: str = "ldap"
) -> None:
    """Create a share network and a security service and bring them together"""
    network = await manila.create_network(run)
    service = await manila.create_security_service(run, security_service_type)
    await manila.add_security_service(run, network["id"], service["id"])


@scenario(
    "ManilaShares.set_and_delete_metadata",
    contexts=("manila_shares",),
    numbers={
        "sets": number(1, 1000, whole=True),
        "set_size": number(1, 1000, whole=True),
        "key_min_length": number(1, 256, whole=True),
        "key_max_length": number(1, 256, whole=True),
        "value_min_length": number(1, 1024, whole=True),
        "value_max_length": number(1, 1024, whole=True),
    },
    **_OWN,
)
async def set_and_delete_metadata(
    run: Run,
    sets: int = 10,
    set_size: int = 3,
    delete_size: int = 3,
    key_min_length: int = 1,
    key_max_length: int = 256,
    value_min_length: int = 1,
    value_max_length: int = 1024,
) -> None:
    """Set metadata of one of the context's shares and delete it"""
    run.check(
        key_min_length <= key_max_length and value_min_length <= value_max_length,
        "Min length for keys and values of metadata can not be bigger than maximum length.",
    )
    shares = run.tenant["shares"]
    share = shares[run.number % len(shares)]
    key = random.randint(key_min_length, key_max_length)
    value = random.randint(value_min_length, value_max_length)
    keys = await manila.set_metadata(run, share["id"], sets, set_size, key, value)
    await manila.delete_metadata(run, share["id"], keys)
