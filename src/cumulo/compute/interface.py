"""What other services may know of compute: the events that it emits."""

from cumulo.compute.meters import METERS
from cumulo.core.events.types import events, on

ACTIONS = {
    "create": {"name": str},
    "delete": {},
    "reboot": {"kind": str},
    "start": {},
    "stop": {},
    "pause": {},
    "unpause": {},
    "attach_volume": {"volume": str},
    "detach_volume": {"volume": str},
    "suspend": {},
    "resume": {},
    "rescue": {},
    "unrescue": {},
    "rebuild": {},
    "resize": {},
    "migrate": {},
    "confirmResize": {},
    "revertResize": {},
    "createImage": {"image": str},
    "createBackup": {"image": str},
    "shelve": {},
    "shelveOffload": {},
    "unshelve": {},
    "restore": {},
    "swap_volume": {"volume": str},
    "attach_interface": {"port": str},
    "detach_interface": {"port": str},
}
"""What is asked of a server and takes its time: `.start` when it is asked for, then `.end` or
`.error`."""

EVENTS = (
    *events(
        "compute",
        *(on("server", f"compute.server.{name}.start", **more) for name, more in ACTIONS.items()),
        *(on("server", f"compute.server.{name}.end", reason=None) for name in ACTIONS),
        *(on("server", f"compute.server.{name}.error", reason=str) for name in ACTIONS),
        on("server", "compute.server.createImage", image=str),
        on("server", "compute.server.changePassword", "compute.server.trigger_crash_dump"),
        on("server", "compute.server.migration", status=str, host=str),
        on("server", "compute.server.lock", reason=str | None),
        on("server", "compute.server.unlock"),
        on("server", "compute.server.schedule", host=str | None, considered=dict[str, str]),
        on("server", "compute.server.reset_state", state=str),
        on("server", "compute.server.stopped", crashed=bool, reason=str | None),
        on("server", "compute.server.update", changed=list[str]),
        on("keypair", "compute.keypair.create", "compute.keypair.delete", user=str),
        on("server_group", "compute.server_group.create", policy=str),
        on("server_group", "compute.server_group.delete"),
        on("flavor", "compute.flavor.create", name=str),
        on(
            "flavor",
            "compute.flavor.update",
            changed=list[str] | None,
            access_added=str | None,
            access_dropped=str | None,
        ),
        on("flavor", "compute.flavor.delete"),
        on("aggregate", "compute.aggregate.create", name=str),
        on("aggregate", "compute.aggregate.update", changed=list[str]),
        on("aggregate", "compute.aggregate.delete"),
        on("host", "compute.host.create", vcpus=int),
        on("host", "compute.host.delete"),
        on(
            "service",
            "compute.service.update",
            disabled=bool | None,
            disabled_reason=str | None,
            forced_down=bool | None,
        ),
    ),
    *(event for each in METERS for event in each.declared("compute")),
)
