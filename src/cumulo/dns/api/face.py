"""DNS's whole HTTP face: the versions, and everything below /v2."""

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database
from cumulo.core.http.operations import Face
from cumulo.dns.api import versions
from cumulo.dns.api.cloud import CloudApi
from cumulo.dns.api.common import envelope
from cumulo.dns.api.nouns import noun_operations
from cumulo.dns.api.pools import PoolsApi
from cumulo.dns.api.recordsets import RecordsetsApi
from cumulo.dns.api.reverses import ReversesApi
from cumulo.dns.api.shares import SharesApi
from cumulo.dns.api.tasks import TasksApi
from cumulo.dns.api.transfers import TransfersApi
from cumulo.dns.api.zones import ZonesApi
from cumulo.dns.policy import RULES
from cumulo.dns.service.dns import DnsService


def dns_face(dns: DnsService, database: Database, region: str, rules: Rules | None = None) -> Face:
    return Face(
        name="dns",
        answers="cumulo.dns.api.answers",
        mount="/dns",
        faults=envelope,
        rules=rules or Rules(RULES),
        quota_status=413,
        operations=[
            *versions.operations(),
            *ZonesApi(dns).operations(),
            *RecordsetsApi(dns).operations(),
            *SharesApi(dns).operations(),
            *TransfersApi(dns).operations(),
            *TasksApi(dns, database).operations(),
            *noun_operations(dns),
            *CloudApi(dns).operations(),
            *PoolsApi(dns).operations(),
            *ReversesApi(dns, region).operations(),
        ],
    )
