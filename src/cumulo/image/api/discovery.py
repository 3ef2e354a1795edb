"""Discovery: versions, import methods, stores, and how much of the quota is used."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.image.service.image import ImageService
from cumulo.image.service.stores import Store

# Minor versions only say which features there are; all of them are served.
MINORS = range(19)


def _versions(call: Call) -> list[dict[str, Any]]:
    newest = max(MINORS)
    return [
        {
            "id": f"v2.{minor}",
            "status": "CURRENT" if minor == newest else "SUPPORTED",
            "links": [{"rel": "self", "href": f"{call.base_url}/v2/"}],
        }
        for minor in sorted(MINORS, reverse=True)
    ]


def choices(call: Call) -> Reply:
    return Reply(300, {"versions": _versions(call)})


def versions(call: Call) -> Any:
    return {"versions": _versions(call)}


class DiscoveryApi:
    def __init__(self, images: ImageService) -> None:
        self._service = images
        self._images = images.images

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", "", choices, public=True, kind="fixed", status=300),
            Operation("GET", "/versions", versions, public=True, kind="fixed"),
            Operation("GET", "/v2/info/import", self.import_methods),
            Operation("GET", "/v2/info/stores", self.stores),
            Operation(
                "GET", "/v2/info/stores/detail", self.stores_detail, policy="stores_info_detail"
            ),
            Operation("GET", "/v2/info/usage", self.usage),
        ]

    def import_methods(self, call: Call, tx: Tx) -> Any:
        return {
            "import-methods": {
                "description": "Import methods available.",
                "type": "array",
                "value": list(self._service.imports.rules.methods),
            }
        }

    def stores(self, call: Call, tx: Tx) -> Any:
        return {"stores": [self._store(each) for each in self._service.stores.all()]}

    def stores_detail(self, call: Call, tx: Tx) -> Any:
        found = []
        for each in self._service.stores.all():
            known = each.content.capabilities
            more = {"type": known.driver, "weight": each.weight, "properties": known.properties}
            found.append({**self._store(each), **more})
        return {"stores": found}

    def _store(self, store: Store) -> dict[str, Any]:
        """Flags are there only where they are true, as text."""
        found = {"id": store.name}
        if store.description:
            found["description"] = store.description
        if store is self._service.stores.default:
            found["default"] = "true"
        if store.read_only:
            found["read-only"] = "true"
        return found

    def usage(self, call: Call, tx: Tx) -> Any:
        project = call.project_id
        limits = self._images.quotas.limits(tx, project)
        used = self._images.quotas.usages(tx, project)
        return {
            "usage": {
                name: {"limit": limit, "usage": used[name]}
                for name, limit in sorted(limits.items())
            }
        }
