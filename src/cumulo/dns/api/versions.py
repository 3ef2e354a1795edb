"""Discovery: which versions of the DNS API there are."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation

# 2.1: shared zones; 2.2: SVCB and HTTPS; 2.3: TLSA; 2.4: attributes of imports.
VERSIONS = ("v2", "v2.0", "v2.1", "v2.2", "v2.3", "v2.4")


def _documents(call: Call) -> list[dict[str, Any]]:
    return [
        {
            "id": version,
            "status": "CURRENT" if version == VERSIONS[-1] else "SUPPORTED",
            "updated": "2026-01-01T00:00:00Z",
            "links": [
                {"href": f"{call.base_url}/v2", "rel": "self"},
                {"href": "https://docs.openstack.org/api-ref/dns", "rel": "help"},
            ],
        }
        for version in VERSIONS
    ]


def index(call: Call, tx: Tx) -> Any:
    return {"versions": _documents(call)}


def operations() -> list[Operation]:
    return [Operation("GET", "", index, public=True), Operation("GET", "/v2", index, public=True)]
