"""What other services may know of DNS: its events."""

from cumulo.core.events.types import events, on
from cumulo.dns.meters import METERS

EVENTS = (
    *events(
        "dns",
        on(
            "zone",
            *(f"dns.zone.{verb}" for verb in ("create", "update", "delete", "abandon", "transfer")),
            name=str,
            serial=int,
            changed=list[str] | None,
            giver=str | None,
            taker=str | None,
        ),
        on("zone", "dns.zone.gone", name=str),
        on("zone", "dns.zone.fail", name=str, reason=str),
        on("zone", "dns.zone.share", "dns.zone.unshare", target_project_id=str),
        on(
            "recordset",
            *(f"dns.recordset.{verb}" for verb in ("create", "update", "delete")),
            zone_id=str,
            name=str,
            record_type=str,
        ),
        *(
            on(
                noun,
                *(f"dns.{noun}.{verb}" for verb in ("create", "update", "delete")),
                name=str | None,
                pattern=str | None,
            )
            for noun in ("tld", "blacklist", "tsigkey")
        ),
        on(
            "zone_transfer_request",
            *(f"dns.zone_transfer_request.{verb}" for verb in ("create", "update", "delete")),
        ),
        on("zone_transfer_accept", "dns.zone_transfer_accept.create"),
    ),
    *(event for each in METERS for event in each.declared("dns")),
)
