"""What other services may know of shared file systems: their events."""

from cumulo.core.events.types import events, on
from cumulo.shared_file_system.meters import METERS

EVENTS = (
    *events(
        "shared_file_system",
        on("share", "share.create.start", host=str | None, fault=str | None),
        on(
            "share",
            "share.delete.start",
            *(f"share.{v}.end" for v in ("create", "delete", "extend", "shrink", "revert")),
        ),
        on("share", "share.extend.start", "share.shrink.start", size=int),
        on("share", "share.revert.start", snapshot=str),
        on("share", "share.soft_delete", "share.restore"),
        on("share", "share.manage", host=str),
        on("share", "share.unmanage"),
        on(
            "share",
            *(
                f"share.{verb}.error"
                for verb in ("create", "delete", "extend", "shrink", "revert", "access")
            ),
            reason=str,
        ),
        on(
            "share",
            *(f"share.transfer.{verb}" for verb in ("create", "delete", "accept")),
            transfer=str,
        ),
        on("share_security_service", "share.security_service.create", kind=str),
        on(
            "share_security_service",
            *(f"share.security_service.{verb}" for verb in ("update", "delete")),
        ),
        on("share_snapshot", "share.snapshot.allow", "share.snapshot.deny", to=str),
        on("share_snapshot", "share.snapshot.manage", host=str),
        on("share_snapshot", "share.snapshot.unmanage"),
        on("share", "share.update", changed=list[str]),
        on("share", "share.reset", status=str),
        on("share", "share.access.allow", "share.access.deny", to=str, level=str),
        on("share_snapshot", "share.snapshot.create.start", share=str),
        on(
            "share_snapshot",
            *(f"share.snapshot.{each}" for each in ("create.end", "delete.start", "delete.end")),
        ),
        on(
            "share_snapshot",
            *(f"share.snapshot.{v}.error" for v in ("create", "delete")),
            reason=str,
        ),
        on("share_snapshot", "share.snapshot.update"),
        on("share_snapshot", "share.snapshot.reset", status=str),
        on("share_network", "share.network.create", network_id=str),
        on("share_network", "share.network.update", "share.network.delete"),
        on("share_server", "share.server.create", host=str, address=str),
        on("share_server", "share.server.delete"),
        on("share_server", "share.server.error", reason=str),
        on("share_type", "share.type.create", "share.type.delete", name=str),
        on("share_type", "share.type.update"),
        on("share_qos_type", "share.qos_type.create", "share.qos_type.delete", name=str),
        on("share_qos_type", "share.qos_type.update"),
        on("share_group_type", "share.group_type.create", "share.group_type.delete", name=str),
        on("share_group_type", "share.group_type.update"),
    ),
    *(event for each in METERS for event in each.declared("shared_file_system")),
)
