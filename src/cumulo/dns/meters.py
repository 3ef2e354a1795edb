"""What DNS is paid for: zones."""

from cumulo.core.usage import Metered
from cumulo.dns.model.zone import ZoneRow

ZONES: Metered[ZoneRow] = Metered(
    "zone", "dns.zone.usage", lambda row: {"zone_type": row.type}, lambda row: row.name
)
METERS = (ZONES,)
