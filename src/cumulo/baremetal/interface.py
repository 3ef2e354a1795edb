"""What other services may know of bare metal: its events."""

from cumulo.core.events.types import events, on

EVENTS = events(
    "baremetal",
    on("node", "baremetal.node.create", "baremetal.node.delete", name=str | None),
    on("node", "baremetal.node.update", changed=list[str]),
    on("node", "baremetal.node.state", state=str, target=str | None, reason=str | None),
    on("node", "baremetal.node.power", state=str | None, target=str | None, reason=str | None),
    on("node", "baremetal.node.maintenance", on=bool, reason=str | None),
    *(
        on(noun, *(f"baremetal.{noun}.{verb}" for verb in ("create", "update", "delete")))
        for noun in (
            "port",
            "portgroup",
            "chassis",
            "volume_connector",
            "volume_target",
            "allocation",
            "deploy_template",
            "runbook",
            "inspection_rule",
        )
    ),
    on("allocation", "baremetal.allocation.state", state=str),
)
