"""What the object store is to the cloud."""

from urllib.parse import urlsplit

from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, Service
from cumulo.identity.interface import RequestKeys
from cumulo.object_store.api.face import swift_faces
from cumulo.object_store.api.s3.face import s3_faces
from cumulo.object_store.drivers.files import FileBlobs
from cumulo.object_store.interface import EVENTS
from cumulo.object_store.meters import METERS
from cumulo.object_store.model.ring import Device, Ring
from cumulo.object_store.policy import RULES
from cumulo.object_store.reconcile import ContainerLooks, ObjectExpiry, ObjectRemovals
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.settings import ObjectStoreSettings
from cumulo.settings import BadSettings


def build(frame: Frame) -> Service:
    store = ObjectStoreService(
        frame.database,
        _blobs(frame),
        durable=frame.settings.of(ObjectStoreSettings).durable,
    )
    rules = frame.rules("object_store", RULES)

    def on_bells(bells: Bells) -> None:
        store.removals.ring = bells["object removals"]

    return Service(
        store,
        faces=[
            *swift_faces(store, rules, frame.caller),
            *s3_faces(
                store,
                rules,
                frame.get(RequestKeys),
                region=frame.settings.region,
                domains=_domains(frame),
            ),
        ],
        reconcilers=[
            ObjectRemovals(frame.database, store, keep=frame.keeps_unknown),
            ObjectExpiry(frame.database, store),
        ],
        on_bells=on_bells,
        workers=[ContainerLooks(frame.database, store).run],
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


def _blobs(frame: Frame) -> FileBlobs:
    """On the devices that the settings name."""
    own, data = frame.settings.of(ObjectStoreSettings), frame.settings.data_dir
    devices = [
        Device(name, each.weight, each.zone, each.region) for name, each in own.devices.items()
    ]
    places = {name: data / (each.path or f"objects/{name}") for name, each in own.devices.items()}
    try:
        ring = Ring(devices, replicas=own.replicas)
    except ValueError as error:
        raise BadSettings(f"[object_store.devices]: {error}") from None
    return FileBlobs(ring, places, durable=own.durable)


ASSEMBLY = Assembly(
    "object_store",
    build,
    events=EVENTS,
    meters=METERS,
    catalog=(CatalogEntry("object-store", (), "/object-store/v1/AUTH_$(project_id)s", "swift"),),
)
