"""The object store's own settings: the table `[object_store]` of `cumulo.toml`."""

from typing import Annotated, ClassVar

import msgspec


class ObjectDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A folder that keeps objects."""

    path: str = ""
    """Empty: `objects/NAME` in the data directory."""
    weight: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    """Its part of the objects, against the other devices' weights; say, its size in TiB."""
    zone: str = ""
    """Replicas are in different zones as long as there are enough: a disk, a rack, a room."""
    region: str = ""


class SyncRealm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Clouds that have agreed to take each other's containers."""

    key: Annotated[str, msgspec.Meta(min_length=1)]
    """Its secret: requests between them are signed by it."""
    key2: str = ""
    """The one before, while it is changed everywhere."""
    clusters: dict[str, str] = {}
    """Name → URL below which accounts are, as `https://HOST/object-store/v1/`."""


class ObjectStoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "object_store"

    devices: dict[str, ObjectDevice] = msgspec.field(default_factory=lambda: {"d1": ObjectDevice()})
    """Where objects are kept. One folder is enough; each one more takes its part."""
    replicas: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1
    """How many devices keep each object."""
    reserve: Annotated[float, msgspec.Meta(ge=0, lt=100)] = 1.0
    """Percent of a device's disk that objects leave free: more is refused (507), so that what else
    is on it, as the cloud's database, goes on."""
    repair_rate: Annotated[float, msgspec.Meta(gt=0, le=100_000)] = 20.0
    """MiB a second that repair reads and copies at most: the disks are for those who use them."""
    s3_domains: list[str] = []
    """Domains whose sub-domains are buckets for S3's clients; empty: the public URL's own."""
    account_ratelimit: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Containers a second that one account makes or deletes; 0: no limit."""
    container_ratelimits: dict[str, float] = {}
    """Objects in a container → writes a second to it, with what lies in between; none: no limit."""
    container_listing_ratelimits: dict[str, float] = {}
    """The same of its lists."""
    max_sleep_time_seconds: Annotated[float, msgspec.Meta(ge=0, le=300)] = 60.0
    """Who is too fast waits so long at most, and is refused then (498; S3: SlowDown)."""
    sync_realms: dict[str, SyncRealm] = {}
    """Clouds between which containers are sent on (`X-Container-Sync-To`)."""
    sync_current: str = ""
    """`REALM/CLUSTER`: which of them this cloud is; `/info` tells."""
    sync_interval: Annotated[float, msgspec.Meta(ge=0.1, le=86_400)] = 300.0
    """Seconds between two looks at containers that are sent on."""
    encrypt: bool = False
    """Objects are kept encrypted from now on, by a key in the data directory's `secrets`: a disk
    that is lost tells nothing. What is there stays as it is."""
    durable: bool = True
    """Objects are flushed to their disk before a request is answered. False: a power cut may lose
    the last seconds."""
