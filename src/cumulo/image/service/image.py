"""Image as a whole: its nouns, and what the other services ask of it."""

from cumulo.core.blobs.tickets import Tickets
from cumulo.core.db.transaction import Database
from cumulo.core.quotas.quotas import Quotas
from cumulo.core.work.jobs import Jobs
from cumulo.image.service.cache import Cache
from cumulo.image.service.contents import Contents
from cumulo.image.service.images import Images
from cumulo.image.service.imports import Imports, Rules
from cumulo.image.service.location_patches import LocationPatches
from cumulo.image.service.members import Members
from cumulo.image.service.metadefs import Metadefs
from cumulo.image.service.protection import Protection
from cumulo.image.service.stores import Reading, Stores
from cumulo.image.service.tasks import Tasks
from cumulo.image.service.uploads import Limits, Uploads


class ImageService:
    """`images` implements `image.interface.Images`."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        quotas: Quotas,
        stores: Stores,
        limits: Limits | None = None,
        *,
        cache_bytes: int = 10 << 30,
        rules: Rules | None = None,
        task_hours: int = 48,
        protection: Protection | None = None,
        tickets: Tickets | None = None,
    ) -> None:
        self.protection = protection or Protection()
        self.stores = stores
        self.contents = Contents(stores, quotas)
        self.images = Images(self.contents, quotas)
        self.images.protection = self.protection
        self.members = Members()
        self.metadefs = Metadefs()
        self.uploads = Uploads(database, jobs, self.images, self.contents, limits)
        self.reading = Reading(database, stores)
        self.tickets = tickets
        self.cache = Cache(database, self.contents, self.reading, cache_bytes)
        database.subscribe(self.cache.dropped)
        self.uploads.activated = self.cache.wanted
        self.tasks = Tasks(task_hours, jobs)
        self.images.end_task = self.tasks.cancel
        self.imports = Imports(self.contents, self.tasks, self.uploads.limits, rules or Rules())
        self.location_patches = LocationPatches(self.contents, self.imports, self.cache)
