"""Discovery: which versions of the identity API there are."""

from typing import Any

from cumulo.core.http.operations import Call, Operation, Reply


def _v3(call: Call) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{call.base_url}/v3/"}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.identity-v3+json",
            }
        ],
    }


def versions(call: Call) -> Reply:
    return Reply(300, {"versions": {"values": [_v3(call)]}})


def v3(call: Call) -> Any:
    return {"version": _v3(call)}


def operations() -> list[Operation]:
    return [
        Operation("GET", "", versions, public=True, kind="fixed", status=300),
        Operation("GET", "/v3", v3, public=True, kind="fixed"),
    ]
