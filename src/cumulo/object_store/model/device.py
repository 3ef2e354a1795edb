"""Devices: folders that keep blobs, as they are now. The settings name those to begin with; the
operator adds, weighs and takes away others while the cloud runs."""

from typing import Annotated

from cumulo.core.db.rows import Key, Row, table


@table("object_devices")
class DeviceRow(Row, frozen=True):
    name: Annotated[str, Key()]
    path: str
    """Empty: `objects/NAME` in the data directory."""
    weight: float
    """0: it is being emptied, and still read."""
    zone: str
    region: str
    label: str
    """What its marker file says; a folder without it is not mounted, and not written to."""
    since: str
    """A moment: core.clock."""


AUDIT = "audit"


@table("object_passes")
class PassRow(Row, frozen=True):
    """When something that is done now and then was begun last."""

    name: Annotated[str, Key()]
    began_at: str
    """A moment: core.clock."""
