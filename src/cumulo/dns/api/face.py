"""DNS's whole HTTP face: the versions, and everything below /v2."""

from cumulo.core.auth.policy import Rules
from cumulo.core.http.operations import Face
from cumulo.dns.api import versions
from cumulo.dns.api.common import envelope
from cumulo.dns.api.recordsets import RecordsetsApi
from cumulo.dns.api.zones import ZonesApi
from cumulo.dns.policy import RULES
from cumulo.dns.service.dns import DnsService


def dns_face(dns: DnsService, rules: Rules | None = None) -> Face:
    return Face(
        name="dns",
        mount="/dns",
        faults=envelope,
        rules=rules or Rules(RULES),
        quota_status=413,
        operations=[
            *versions.operations(),
            *ZonesApi(dns).operations(),
            *RecordsetsApi(dns).operations(),
        ],
    )
