"""What image is to the cloud."""

from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, Service
from cumulo.core.auth.policy import project_only
from cumulo.core.blobs.content import Contents
from cumulo.core.db.transaction import Tx
from cumulo.core.outbound.guard import Filter, Guard
from cumulo.core.outbound.guard import Limits as OutboundLimits
from cumulo.identity.interface import Endpoints, FirstUsers
from cumulo.image import resources
from cumulo.image.api.face import image_face
from cumulo.image.drivers.file import FileDriver as ImageFiles
from cumulo.image.drivers.kinds import open_driver
from cumulo.image.drivers.rewrite import SubprocessRewriter
from cumulo.image.first_run.image import FirstImage
from cumulo.image.first_run.metadefs import FirstMetadefs
from cumulo.image.interface import EVENTS, Images, ImageUploads
from cumulo.image.jobs import ImageJobs
from cumulo.image.meters import METERS
from cumulo.image.policy import RULES
from cumulo.image.reconcile import CacheFill, ImageRemovals
from cumulo.image.service.image import ImageService
from cumulo.image.service.imports import Rules as ImportRules
from cumulo.image.service.protection import Protection
from cumulo.image.service.quotas import QUOTAS
from cumulo.image.service.stores import Store, Stores
from cumulo.image.service.uploads import Limits as ImageLimits
from cumulo.image.settings import ImageSettings
from cumulo.settings import BadSettings, Settings

STORE_OPTIONS = ("type", "description", "weight")
"""Of a store of images, whatever its type."""


def build(frame: Frame) -> Service:
    image = _image(frame)
    ImageJobs(frame.database, image).add_to(frame.jobs)
    frame.give(Images, image.images)
    frame.give(ImageUploads, image.uploads)
    frame.give(Contents, image.reading)
    users = frame.get(FirstUsers)
    first = FirstImage(frame.settings, frame.database, image, users)
    metadefs = FirstMetadefs(frame.database, image, users)

    async def first_run(_hosts: object) -> None:
        await first.make()
        await metadefs.make()

    def on_bells(bells: Bells) -> None:
        image.contents.ring = bells["image removals"]
        image.cache.ring = bells["image cache"]

    return Service(
        image,
        faces=[image_face(image, frame.database, frame.rules("image", RULES, project_only(RULES)))],
        reconcilers=[
            ImageRemovals(frame.database, image, keep=frame.keeps_unknown),
            CacheFill(frame.database, image),
        ],
        on_bells=on_bells,
        counts={"images": image.images.count},
        first_run=first_run,
        has_files=True,
    )


def _image(frame: Frame) -> ImageService:
    """Image on the stores that the settings name."""
    settings = frame.settings
    given, data = settings.of(ImageSettings), settings.data_dir
    guard = Guard(settings.outbound.allowed_networks)
    stores = []
    for name, options in given.stores.items():
        own = {key: value for key, value in options.items() if key not in STORE_OPTIONS}
        try:
            driver = open_driver(str(options.get("type", "")), own, data, guard)
        except ValueError as error:
            raise BadSettings(f"[image.stores.{name}]: {error}") from None
        weight = options.get("weight", 0)
        stores.append(Store(name, driver, str(options.get("description", "")), weight))
    if given.default_store not in {each.name for each in stores if not each.read_only}:
        raise BadSettings(f"default_store: there is no writable store {given.default_store!r}")
    protection = Protection()
    if given.property_protection:
        path = data / given.property_protection
        try:
            protection = Protection(path.read_text(), given.property_protection_format)
        except (OSError, ValueError) as error:
            raise BadSettings(f"property_protection: {path}: {error}") from None
    cache = ImageFiles(data / "image-cache") if given.cache_gib else None
    staging = ImageFiles(data / "image-staging", open_to_guests=False)
    return ImageService(
        frame.database,
        frame.jobs,
        frame.quotas("image", QUOTAS),
        Stores(stores, given.default_store, staging=staging, cache=cache),
        ImageLimits(given.largest_image_gib, given.largest_disk_gib),
        cache_bytes=given.cache_gib << 30,
        protection=protection,
        rules=_import_rules(settings, frame.get(Endpoints)),
        task_hours=given.task_hours,
        tickets=frame.tickets,
    )


def _import_rules(settings: Settings, endpoints: Endpoints) -> ImportRules:
    given = settings.of(ImageSettings)
    web = given.web_download
    filter = Filter(
        web.allowed_schemes,
        web.disallowed_schemes,
        web.allowed_hosts,
        web.disallowed_hosts,
        web.allowed_ports,
        web.disallowed_ports,
    )

    def endpoint(tx: Tx, region: str, interface: str) -> str | None:
        """Where the image service of a region is, as the catalog says; "" is here."""
        url = endpoints.url(tx, "image", region, interface)
        return "" if url is not None and region == settings.region else url

    web_guard = Guard(
        settings.outbound.allowed_networks,
        filter=filter,
        limits=OutboundLimits(most_bytes=given.largest_image_gib << 30),
    )
    return ImportRules(
        methods=given.import_methods,
        guard=web_guard,
        convert_to=given.convert_to,
        decompress=given.decompress,
        inject=given.inject,
        inject_ignored_roles=given.inject_ignored_roles,
        secure_hash=given.secure_hash,
        look_at_locations=given.look_at_locations,
        show_locations=given.show_locations,
        show_direct_url=given.show_direct_url,
        endpoint=endpoint,
        rewriter=SubprocessRewriter(),
    )


ASSEMBLY = Assembly(
    "image",
    build,
    events=EVENTS,
    meters=METERS,
    catalog=(CatalogEntry("image", (), "/image", "glance"),),
    resource_types=resources.TYPES,
    finders=resources.FINDERS,
)
