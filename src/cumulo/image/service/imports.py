"""Imports: what a request asks for, checked, and made a task that `image.jobs` carries out."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, TooLarge
from cumulo.core.ids import child_id, new_id
from cumulo.core.outbound.guard import Guard, Refused
from cumulo.image.model.content import Rewriter
from cumulo.image.model.image import ImageRow
from cumulo.image.model.location import STAGING
from cumulo.image.model.task import METHODS, TaskRow, Work
from cumulo.image.service.contents import Contents
from cumulo.image.service.tasks import Tasks
from cumulo.image.service.uploads import Limits

_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
HASH_DIGITS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
URL_LENGTH = 2048


class Method(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    uri: str = ""
    glance_image_id: str = ""
    glance_region: str = ""
    glance_service_interface: str = "public"


class Wish(msgspec.Struct):
    """The body of an import request."""

    method: Method
    stores: list[str] | None = None
    all_stores: bool = False
    all_stores_must_succeed: bool = True


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say about imports. `endpoint(tx, region, interface)`: where the image
    service of a region is; "" is this one, None nowhere."""

    methods: Sequence[str] = METHODS
    guard: Guard = Guard()
    """For the URLs of users."""
    convert_to: str = ""
    decompress: bool = False
    inject: Mapping[str, str] = {}
    inject_ignored_roles: Sequence[str] = ("admin",)
    secure_hash: bool = True
    look_at_locations: bool = False
    """What is found at a location has to fit the image's format."""
    show_locations: bool = False
    show_direct_url: bool = False
    endpoint: Callable[[Tx, str, str], str | None] = lambda tx, region, interface: None
    rewriter: Rewriter | None = None
    copied_properties: Sequence[str] = (
        "hw_",
        "trait:",
        "os_distro",
        "os_secure_boot",
        "os_type",
    )
    """Prefixes of what an import from another region brings along."""


class Imports:
    def __init__(self, contents: Contents, tasks: Tasks, limits: Limits, rules: Rules) -> None:
        self._contents = contents
        self.tasks = tasks
        self.limits = limits
        self.rules = rules
        self.tokens: dict[str, str] = {}
        """Of tasks that read from another region; in memory only, so such a task does not
        survive its process."""

    def method(self, wish: Wish) -> str:
        """The asked method. Raises BadRequest when it is not known or lacks what it needs."""
        method, name = wish.method, wish.method.name
        if name not in METHODS or name not in self.rules.methods:
            raise BadRequest(f"Unknown import method name '{name}'.")
        if wish.stores is not None and wish.all_stores:
            raise BadRequest("all_stores parameter can't be used with stores parameter")
        if name == "web-download":
            if not method.uri:
                raise BadRequest("Invalid import request: 'uri' is required for web-download")
            self.check_url(method.uri)
        if name == "glance-download":
            if not method.glance_region:
                raise BadRequest("Invalid import request: 'glance_region' is required")
            if not _UUID.fullmatch(method.glance_image_id):
                raise BadRequest("Remote image id does not look like a UUID")
        return name

    def check_url(self, url: str) -> None:
        try:
            if len(url) > URL_LENGTH:
                raise Refused("the URL is too long")
            self.rules.guard.check_url(url)
        except Refused as error:
            raise BadRequest(f"URI for web-download does not pass filtering: {error}") from None

    def targets(self, wish: Wish, header: str | None) -> list[str]:
        """The stores that are asked for. Raises BadRequest, Conflict."""
        stores = self._contents.stores
        if wish.all_stores:
            return stores.writable()
        if wish.stores is not None:
            if header is not None:
                raise BadRequest(
                    "Stores parameter and x-image-meta-store header can't be both specified"
                )
            if not wish.stores:
                raise BadRequest("The list of stores is empty.")
            return [stores.named(name).name for name in dict.fromkeys(wish.stores)]
        return [stores.named(header).name]

    def begin(
        self,
        tx: Tx,
        row: ImageRow,
        wish: Wish,
        targets: list[str],
        who: Principal,
        request_id: str,
        token: str = "",
    ) -> TaskRow:
        """Make the task; the image is `importing` then, or still active while it is copied."""
        name = wish.method.name
        self._check_state(tx, row, name, targets)
        if name == "copy-image":
            targets = [each for each in targets if each not in row.stores]
            if not targets and not wish.all_stores:
                raise BadRequest(f"Image {row.id} is already present in these stores.")
        room = self._contents.room(tx, row.owner, "image_size_total", self.limits.file)
        if room == 0 or (row.size or 0) > room:
            raise TooLarge("The image exceeds the quota image_size_total or the limit.")
        asked = {"image_id": row.id, "import_req": msgspec.to_builtins(wish), "backend": targets}
        work = Work(roles=list(who.roles))
        if name == "glance-direct":
            work = msgspec.structs.replace(work, staged=row.id, staged_size=row.staged_size or 0)
        jobs = {
            "glance-direct": ("image.import", "rewrite"),
            "copy-image": ("image.import", "store"),
        }
        task_id = new_id()
        if token:
            self.tokens[task_id] = token
        task = self.tasks.begin(
            tx,
            "api_image_import",
            asked,
            jobs.get(name, ("image.download", "fetch")),
            work,
            who,
            image_id=row.id,
            request_id=request_id,
            id=task_id,
        )
        row = self._contents.forget_leftovers(tx, row)
        content = row.content if name == "copy-image" else "importing"
        self._contents.move(
            tx, row, content, import_task=task.id, importing_to=targets, failed_import=[]
        )
        emit(tx, "image.import", row.id, principal=who, method=name, stores=targets)
        return task

    def _check_state(self, tx: Tx, row: ImageRow, name: str, targets: list[str]) -> None:
        if name == "copy-image":
            if row.content != "present" or row.deactivated:
                raise Conflict("Only images with status active can be targeted for copying.")
        elif name == "glance-direct":
            if row.content != "staged":
                raise Conflict("Image needs to be staged before 'glance-direct' method can be used")
        elif row.content != "none":
            raise Conflict(f"Image needs to be in 'queued' state to use '{name}' method")
        if row.import_task is not None:
            raise Conflict(f"Image {row.id} has an active task {row.import_task}.")
        for missing in ("container_format", "disk_format"):
            if getattr(row, missing) is None and name != "glance-download":
                raise BadRequest(f"'{missing}' needs to be set before import")
        for place in targets if name == "copy-image" else (*targets, STAGING):
            if self._contents.being_removed(tx, row.id, place):
                raise Conflict(f"Earlier data of image {row.id} are still being removed.")

    # --- tasks of the older API ---------------------------------------------------------------

    def begin_task(self, tx: Tx, wish: dict[str, Any], who: Principal, request_id: str) -> TaskRow:
        """`import` of the tasks API: makes the image itself."""
        needed = ("import_from", "import_from_format", "image_properties")
        missing = [name for name in needed if name not in wish]
        if missing:
            raise BadRequest(f"Input does not contain '{missing[0]}' field")
        if not isinstance(wish["import_from"], str):
            raise BadRequest("import_from is not a text")
        if not isinstance(wish["image_properties"], dict):
            raise BadRequest("image_properties is not an object")
        self.check_url(wish["import_from"])
        task_id = new_id()
        image_id = child_id(task_id, "image")
        work = Work(roles=list(who.roles))
        return self.tasks.begin(
            tx, "import", wish, ("image.download", "begin"), work, who,
            image_id=image_id, request_id=request_id, id=task_id,
        )  # fmt: skip

    # --- locations ----------------------------------------------------------------------------

    def check_location(self, url: str) -> str:
        """The store that reads such a URL. Raises BadRequest."""
        web = self._contents.stores.web()
        if web is None:
            raise BadRequest("There is no store that reads images from web servers.")
        try:
            if len(url) > URL_LENGTH:
                raise Refused("the URL is too long")
            self.rules.guard.check_url(url)
        except Refused as error:
            raise BadRequest(f"URI for add location does not pass filtering: {error}") from None
        return web.name

    def add_location(
        self,
        tx: Tx,
        row: ImageRow,
        url: str,
        validation: Mapping[str, str],
        who: Principal,
        request_id: str,
    ) -> TaskRow:
        """A task that looks at the bytes and makes the image active."""
        name = self.check_location(url)
        algorithm, expected = check_validation(validation)
        if row.content != "none" or row.import_task is not None:
            raise Conflict(
                f"Location can only be added to an image in queued state, not {row.status}."
            )
        for missing in ("container_format", "disk_format"):
            if getattr(row, missing) is None:
                raise BadRequest(f"'{missing}' needs to be set before a location is added")
        wish = {"image_id": row.id, "loc_url": url, "validation_data": dict(validation)}
        work = Work(algorithm=algorithm, expected=expected, staged=name)
        task = self.tasks.begin(
            tx, "location_import", wish, ("image.location", "verify"), work, who,
            image_id=row.id, request_id=request_id,
        )  # fmt: skip
        row = self._contents.forget_leftovers(tx, row)
        self._contents.move(tx, row, "importing", import_task=task.id)
        emit(tx, "image.location.add", row.id, principal=who, url=url)
        return task

    def locations(self, tx: Tx, row: ImageRow) -> list[dict[str, Any]]:
        """What clients that may see them are shown."""
        found = []
        for each in self._contents.locations(tx, row.id):
            store = self._contents.stores.find(each.store)
            url = each.key if store is None else store.content.url(each.key)
            found.append({"url": url, "metadata": {**each.metadata, "store": each.store}})
        return found


def check_validation(validation: Mapping[str, str]) -> tuple[str, str]:
    """(hash algorithm, expected value) of `validation_data`. Raises BadRequest."""
    if not validation:
        return "sha512", ""
    unknown = set(validation) - {"os_hash_algo", "os_hash_value", "checksum"}
    if unknown:
        raise BadRequest(f"Additional properties are not allowed: {sorted(unknown)}")
    algorithm, value = validation.get("os_hash_algo", ""), validation.get("os_hash_value", "")
    if not algorithm or not value:
        raise BadRequest("os_hash_algo and os_hash_value are both required in validation_data")
    if algorithm not in HASH_DIGITS:
        raise BadRequest(f"os_hash_algo is not supported: {algorithm!r:.40}")
    if not re.fullmatch(r"[0-9a-f]+", value.lower()) or len(value) != HASH_DIGITS[algorithm]:
        raise BadRequest(f"os_hash_value is not a value of {algorithm}")
    return algorithm, value.lower()
