"""What the object store is to the cloud."""

import logging
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, Service
from cumulo.identity.interface import RequestKeys
from cumulo.object_store.api.face import swift_faces
from cumulo.object_store.api.rates import RateLimits
from cumulo.object_store.api.ring import RingApi
from cumulo.object_store.api.s3.face import s3_faces
from cumulo.object_store.api.sync import SyncApi
from cumulo.object_store.drivers.clusters import Clusters
from cumulo.object_store.drivers.files import FileBlobs
from cumulo.object_store.drivers.keys import kept_key
from cumulo.object_store.interface import EVENTS
from cumulo.object_store.meters import METERS
from cumulo.object_store.model.ciphers import Ciphers
from cumulo.object_store.model.key import KeyRow, proof_of
from cumulo.object_store.model.rates import Curve, Rates
from cumulo.object_store.model.ring import Device, Ring
from cumulo.object_store.model.sync import Realm
from cumulo.object_store.policy import RULES
from cumulo.object_store.reconcile import (
    ContainerLooks,
    DeviceKeeping,
    LifecyclePasses,
    ObjectExpiry,
    ObjectRemovals,
)
from cumulo.object_store.service.devices import Devices, Wanted
from cumulo.object_store.service.lifecycle import Lifecycle
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.repair import Repair
from cumulo.object_store.service.sync import Sync
from cumulo.object_store.settings import ObjectStoreSettings
from cumulo.settings import BadSettings

log = logging.getLogger("cumulo.object_store")


def build(frame: Frame) -> Service:
    own, ciphers = frame.settings.of(ObjectStoreSettings), _ciphers(frame)
    blobs = _blobs(frame, ciphers)
    store = ObjectStoreService(frame.database, blobs, durable=own.durable, ciphers=ciphers)
    devices = Devices(
        frame.database,
        blobs,
        {n: Wanted(d.path, d.weight, d.zone, d.region) for n, d in own.devices.items()},
        replicas=own.replicas,
        place=partial(_place, frame),
    )
    repair = Repair(
        frame.database,
        blobs,
        store.removals,
        rate=own.repair_rate * 1024 * 1024,
        keep=frame.keeps_unknown,
    )
    keeping = DeviceKeeping(devices, repair)
    rules_ = LifecyclePasses(Lifecycle(frame.database, store.containers, store.objects))
    rules = frame.rules("object_store", RULES)
    realms = {
        name.upper(): Realm(each.key, each.key2, {n.upper(): u for n, u in each.clusters.items()})
        for name, each in own.sync_realms.items()
    }
    rates = Rates(
        own.account_ratelimit,
        _curve(own.container_ratelimits),
        _curve(own.container_listing_ratelimits),
        longest=own.max_sleep_time_seconds,
    )
    limits = RateLimits(store, rates)
    sync = Sync(frame.database, store, realms, Clusters(), interval=own.sync_interval)

    def on_bells(bells: Bells) -> None:
        store.removals.ring = bells["object removals"]

    return Service(
        store,
        faces=[
            *swift_faces(
                store, rules, frame.caller, SyncApi(store, realms, own.sync_current), limits
            ),
            *s3_faces(
                store,
                rules,
                frame.get(RequestKeys),
                region=frame.settings.region,
                domains=_domains(frame),
                rates=limits,
            ),
            RingApi(devices, repair, blobs).face(),
        ],
        reconcilers=[
            ObjectRemovals(frame.database, store, keep=frame.keeps_unknown),
            ObjectExpiry(frame.database, store),
        ],
        on_bells=on_bells,
        workers=[ContainerLooks(frame.database, store).run, keeping.run, rules_.run, sync.run],
        counts={"containers": store.containers.count_all},
        has_files=True,
    )


def _domains(frame: Frame) -> tuple[str, ...]:
    """Whose sub-domains are buckets. Addresses have none."""
    named = frame.settings.of(ObjectStoreSettings).s3_domains
    if named:
        return tuple(named)
    host = urlsplit(frame.settings.base_url).hostname or ""
    return () if host.replace(".", "").isdecimal() or ":" in host else (host,)


def _place(frame: Frame, name: str, path: str) -> Path:
    return frame.settings.data_dir / (path or f"objects/{name}")


def _curve(given: dict[str, float]) -> Curve:
    try:
        return Curve.of(given)
    except ValueError as error:
        raise BadSettings(f"[object_store]: a rate's size is no number: {error}") from None


def _ciphers(frame: Frame) -> Ciphers:
    """With the key, which is made when it is needed first; it stays for what it was used for.
    Raises BadSettings for a lost one, or another: it would read old objects as noise."""
    wanted = frame.settings.of(ObjectStoreSettings).encrypt
    path = frame.settings.secrets_dir / "object-store-key-01"
    database: Any = frame.database  # which can be asked before there is a loop
    known = database.read_now(lambda tx: tx.get(KeyRow, 1))
    key = kept_key(path, make=wanted and known is None)
    if key is not None and known is None:
        # Of two control nodes the first one says which key it is.
        row = KeyRow(1, proof_of(key))
        database.write_now(
            lambda tx: tx.insert(row, ignore_duplicate=True), name="object store key"
        )
        known = database.read_now(lambda tx: tx.get(KeyRow, 1))
    if known is not None and key is None:
        said = f"{path} is not here, and objects were encrypted with it: bring it back"
        if wanted:
            raise BadSettings(said)
        log.error("%s; they cannot be read", said)
    if known is not None and key is not None and proof_of(key) != known.proof:
        raise BadSettings(f"{path} is not the key that objects were encrypted with")
    return Ciphers({} if key is None else {1: key}, current=1 if wanted else None)


def _blobs(frame: Frame, ciphers: Ciphers) -> FileBlobs:
    """On the devices that the settings name."""
    own = frame.settings.of(ObjectStoreSettings)
    devices = [
        Device(name, each.weight, each.zone, each.region) for name, each in own.devices.items()
    ]
    places = {name: _place(frame, name, each.path) for name, each in own.devices.items()}
    try:
        ring = Ring(devices, replicas=own.replicas)
    except ValueError as error:
        raise BadSettings(f"[object_store.devices]: {error}") from None
    return FileBlobs(ring, places, durable=own.durable, ciphers=ciphers, reserve=own.reserve)


ASSEMBLY = Assembly(
    "object_store",
    build,
    events=EVENTS,
    meters=METERS,
    catalog=(CatalogEntry("object-store", (), "/object-store/v1/AUTH_$(project_id)s", "swift"),),
)
