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
            *(f"share.{v}.end" for v in ("create", "delete", "extend")),
        ),
        on("share", "share.extend.start", size=int),
        on(
            "share",
            *(f"share.{verb}.error" for verb in ("create", "delete", "extend", "access")),
            reason=str,
        ),
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
    ),
    *(event for each in METERS for event in each.declared("shared_file_system")),
)
