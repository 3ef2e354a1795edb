"""A load in several processes: what each is told, and what comes back.

Each does every Nth iteration, with its share of the concurrency and of the rate. It is told by a
document what contexts have made (users with their credentials, networks …), and sends its
iterations in batches. One process is enough for some thousand requests a second.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from cumulo.benchmark import cidrs
from cumulo.benchmark.client.session import Credentials, Session
from cumulo.benchmark.engine import runners
from cumulo.benchmark.engine.surroundings import Surroundings, User
from cumulo.benchmark.model.result import Iteration
from cumulo.benchmark.model.task import Workload

MOST = 64
_ALONE = ("VMTasks.", "KeystoneBasic.create_and_list_ec2", "KeystoneBasic.create_and_delete_ec2")


class Crew(Protocol):
    """Runs a process for each document and gives what they say to `on_batch`."""

    async def run(self, documents: list[bytes], on_batch: Callable[[bytes], None]) -> None: ...

    def stop(self) -> None:
        """Tell all to begin nothing more."""


class Order(msgspec.Struct):
    """What one process has to do."""

    task_uuid: str
    name: str
    args: dict[str, Any]
    runner_type: str
    runner: dict[str, Any]
    first: int
    step: int
    platform: dict[str, Any]
    admin: Credentials | None
    users: list[tuple[str, str, str, Credentials, dict[str, Any]]]
    tenants: dict[str, dict[str, Any]]
    user_choice: str
    data: dict[str, Any]
    timeouts: dict[str, float] = {}
    cidrs: dict[str, int] = {}
    """How far the rows of networks are."""


class Batch(msgspec.Struct):
    iterations: list[Iteration] = []
    cpu: float = 0.0
    problem: str = ""


def how_many(workload: Workload, wanted: int) -> int:
    """No more processes than there are iterations, and at once."""
    most = min(wanted, MOST)
    config = runners.filled(workload.runner_type, workload.runner)
    for key in ("times", "concurrency", "max_concurrency"):
        if key in config:
            most = min(most, config[key])
    # Logins to guests are this process's, and so are notes of what has no name.
    alone = workload.runner_type == "serial" or workload.name.startswith(_ALONE)
    return 1 if alone else max(1, most)


def orders(
    workload: Workload, args: Mapping[str, Any], env: Surroundings, processes: int
) -> list[bytes]:
    whole = Order(
        task_uuid=env.task_uuid,
        name=workload.name,
        args=dict(args),
        runner_type=workload.runner_type,
        runner={},
        first=0,
        step=processes,
        platform=dict(env.platform),
        admin=None if env.admin is None else env.admin.credentials,
        users=[(u.id, u.name, u.tenant_id, u.cloud.credentials, u.data) for u in env.users],
        tenants=env.tenants,
        user_choice=env.user_choice,
        data=env.data,
        timeouts=dict(env.timeouts),
        cidrs=cidrs.so_far(),
    )
    made = []
    for index in range(processes):
        share = runners.share(workload.runner_type, workload.runner, index, processes)
        made.append(
            msgspec.msgpack.encode(msgspec.structs.replace(whole, first=index, runner=share))
        )
    return made


def surroundings(order: Order, make: Callable[[Mapping[str, Any]], Any]) -> Surroundings:
    """What another process made, here. `make`: an HTTP client for a platform."""
    http = make(order.platform)
    env = Surroundings(order.task_uuid, http, order.platform, user_choice=order.user_choice)
    if order.admin is not None:
        env.admin = Session(http, order.admin)
    env.tenants = order.tenants
    env.data = order.data
    env.timeouts = order.timeouts
    cidrs.share(order.cidrs, order.first, order.step)
    for id, name, tenant, credentials, data in order.users:
        user = User(id, name, tenant, Session(http, credentials), data)
        env.users.append(user)
    return env


def taken(packed: bytes) -> Batch:
    return msgspec.msgpack.decode(packed, type=Batch)
