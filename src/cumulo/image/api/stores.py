"""Copies of images on the wire: delete one from a store; the cache of this machine."""

from typing import Any

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.image.api.envelope import allowed
from cumulo.image.model.image import ImageRow
from cumulo.image.service.image import ImageService


class StoresApi:
    def __init__(self, images: ImageService, database: Database) -> None:
        self._service = images
        self._cache = images.cache
        self._database = database

    def operations(self) -> list[Operation]:
        one = "/v2/cache/{image_id}"
        admin: dict[str, Any] = {"policy": "cache_delete", "status": 204}
        return [
            Operation(
                "DELETE",
                "/v2/stores/{store}/{image_id}",
                self.delete_copy,
                policy="delete_image_location",
                early=False,
                status=204,
            ),
            Operation("GET", "/v2/cache", self.cached, policy="cache_list"),
            Operation("DELETE", "/v2/cache", self.clear, **admin),
            Operation("PUT", one, self.queue, policy="cache_image", status=202),
            Operation("DELETE", one, self.delete, **admin),
            Operation("POST", "/v2/cache/clean", self.clean, kind="stream", **admin),
            Operation("POST", "/v2/cache/prune", self.prune, policy="cache_delete", kind="stream"),
        ]

    def delete_copy(self, call: Call, tx: Tx) -> None:
        row = allowed(call, tx, self._service)
        self._service.images.delete_copy(tx, row, call.path["store"], call.principal)

    def cached(self, call: Call, tx: Tx) -> Any:
        self._check_enabled()
        cached, queued = self._cache.state(tx)
        return {
            "cached_images": [
                {
                    "image_id": row.image_id,
                    "hits": row.hits,
                    "last_accessed": seconds_of(row.used_at),
                    "last_modified": seconds_of(row.cached_at or row.queued_at),
                    "size": row.size,
                }
                for row in cached
            ],
            "queued_images": queued,
        }

    def queue(self, call: Call, tx: Tx) -> None:
        self._check_enabled()
        row = tx.get(ImageRow, call.path["image_id"])
        if row is None:
            raise NotFound(f"Image {call.path['image_id']} not found.")
        self._cache.queue(tx, row)

    def delete(self, call: Call, tx: Tx) -> None:
        self._check_enabled()
        image_id = call.path["image_id"]
        found = self._cache.delete(tx, image_id)
        if not found and tx.get(ImageRow, image_id) is None:
            raise NotFound(f"Image {image_id} not found.")

    def clear(self, call: Call, tx: Tx) -> None:
        self._check_enabled()
        self._cache.clear(tx, (call.header("x-image-cache-clear-target") or "").lower())

    async def clean(self, call: Call) -> None:
        """Files of the cache that belong to nothing."""
        self._check_enabled()
        await self._cache.tidy()

    async def prune(self, call: Call) -> Any:
        """What was used least recently, above the bound."""
        self._check_enabled()
        files, size = await self._cache.prune()
        return {"total_files_pruned": files, "total_bytes_pruned": size}

    def _check_enabled(self) -> None:
        if self._cache.content is None:
            raise NotFound("Caching via API is not supported at this site.")
