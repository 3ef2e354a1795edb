"""Locations on the wire: the list, and a URL whose bytes become an image's."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.image.api.envelope import allowed
from cumulo.image.service.image import ImageService


class NewLocation(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    validation_data: dict[str, str] = {}


class LocationsApi:
    def __init__(self, images: ImageService) -> None:
        self._service = images
        self._imports = images.imports

    def operations(self) -> list[Operation]:
        path = "/v2/images/{image_id}/locations"
        return [
            Operation("GET", path, self.index, policy="fetch_image_location", early=False),
            Operation(
                "POST",
                path,
                self.add,
                policy="add_image_location",
                body=NewLocation,
                early=False,
                status=202,
            ),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        return self._imports.locations(tx, allowed(call, tx, self._service))

    def add(self, call: Call, tx: Tx) -> Any:
        wish: NewLocation = call.body
        row = allowed(call, tx, self._service)
        self._imports.add_location(
            tx, row, wish.url, wish.validation_data, call.principal, call.request_id
        )
        return [{"url": wish.url, "metadata": {}}]
