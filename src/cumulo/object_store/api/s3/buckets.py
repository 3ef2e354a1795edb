"""Buckets of S3, and the settings of buckets."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3 import acls
from cumulo.object_store.api.s3.asked import Asked
from cumulo.object_store.api.s3.documents import (
    XML,
    children,
    document,
    element,
    malformed_xml,
    name_of,
    parsed,
    text,
    value_of,
)
from cumulo.object_store.api.s3.lists import Read
from cumulo.object_store.api.s3.settings import KEPT, OWNERSHIP, kept_in, option
from cumulo.object_store.model import limits
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import (
    AlreadyThere,
    BadInput,
    Changed,
    NoSuchContainer,
    NoSuchObject,
    NotImplementedYet,
    StoreFault,
)
from cumulo.object_store.model.version import ENABLED, SUSPENDED, state_of, version_time
from cumulo.object_store.service.access import ENFORCED
from cumulo.object_store.service.containers import ContainerWishes
from cumulo.object_store.service.object_store import ObjectStoreService

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
STATES = (ENABLED, SUSPENDED)

MISSING: Mapping[str, tuple[str, str]] = {
    "tagging": ("NoSuchTagSet", "The TagSet does not exist"),
    "cors": ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    "lifecycle": (
        "NoSuchLifecycleConfiguration",
        "The lifecycle configuration does not exist",
    ),
    "encryption": (
        "ServerSideEncryptionConfigurationNotFoundError",
        "The server side encryption configuration was not found",
    ),
    "object-lock": (
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    ),
    "website": ("NoSuchWebsiteConfiguration", "The website configuration does not exist"),
    "publicAccessBlock": (
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    ),
    "replication": (
        "ReplicationConfigurationNotFoundError",
        "The replication configuration was not found",
    ),
    "ownershipControls": (
        "OwnershipControlsNotFoundError",
        "The bucket ownership controls were not found",
    ),
}
"""Settings that no bucket has: what S3 says when one is not set."""
EMPTY: Mapping[str, str] = {
    "logging": "BucketLoggingStatus",
    "notification": "NotificationConfiguration",
    "accelerate": "AccelerateConfiguration",
}
"""The same, where it is an empty document."""


ABSENT = (
    *("analytics", "intelligent-tiering", "inventory", "metrics", "session"),
    *("metadataTable", "metadataConfiguration", "metadataInventoryTable", "abac"),
    "metadataJournalTable",
)
"""Of buckets, and not here at all: whoever asks for one must not be taken to mean the bucket."""
ABSENT_OF_OBJECTS = (
    *("renameObject", "restore", "select"),
    *("select-type", "torrent", "encryption", "annotation"),
)


class BucketsApi:
    def __init__(self, store: ObjectStoreService, read: Read, region: str) -> None:
        self._store = store
        self._read = read
        self._region = region

    async def create(self, call: Call) -> Reply:
        asked = self._read(call)
        name = asked.bucket
        if not _NAME.fullmatch(name) or ".." in name or _ADDRESS.fullmatch(name):
            raise BadInput("The specified bucket is not valid.", kind="InvalidBucketName")
        node = parsed(await asked.body().whole()) if has_body(asked) else None
        if node is not None and name_of(node) != "CreateBucketConfiguration":
            raise malformed_xml()
        options: dict[str, Any] = {}
        if (asked.headers.get("x-amz-bucket-object-lock-enabled") or "").lower() == "true":
            options = {"versioning": ENABLED, option("object-lock"): {}}
        granted = acls.by_headers(asked)
        if granted and ENFORCED in _ownership(asked).values():
            raise BadInput("The bucket does not allow ACLs", kind="AccessControlListNotSupported")
        wishes = acls.wishes_of(granted)
        wishes.options = {**wishes.options, **options, **_ownership(asked)}

        def make(tx: Tx) -> None:
            if self._store.containers.find(tx, asked.access.account, name) is not None:
                asked.access.check_account(writing=True)
                raise AlreadyThere()
            self._store.containers.put(tx, asked.access, name, wishes)

        await self._store.write(make, name="object container put")
        return Reply(200, headers={"Location": f"/{quote(name)}"}, raw=b"")

    async def head(self, call: Call) -> Reply:
        await self._seen(call)
        headers = {"x-amz-bucket-region": self._region, "Content-Length": "0"}
        return Reply(200, headers=headers, raw=b"", content_type=XML)

    async def delete(self, call: Call) -> Reply:
        asked = self._read(call)
        await self._store.write(
            lambda tx: self._store.containers.delete(tx, asked.access, asked.bucket),
            name="object container delete",
        )
        return Reply(204)

    async def location(self, call: Call) -> Reply:
        await self._seen(call)
        return document("LocationConstraint", self._region)

    async def versioning(self, call: Call) -> Reply:
        asked = self._read(call)
        row = await self._store.database.read(
            lambda tx: self._store.containers.seen(tx, asked.access, asked.bucket)
        )
        state = state_of(row)
        return document("VersioningConfiguration", element("Status", state) if state else "")

    async def put_versioning(self, call: Call) -> Reply:
        asked = self._read(call)
        node = parsed(await asked.body().whole())
        status = None if node is None else value_of(node, "Status")
        if node is None or name_of(node) != "VersioningConfiguration" or status not in STATES:
            raise malformed_xml()
        wishes = ContainerWishes(options={"versioning": status})

        def work(tx: Tx) -> None:
            row = self._store.containers.get(tx, asked.access.account, asked.bucket)
            if row.options.get("archive"):
                raise Changed("The container keeps its versions in another one.")
            if status != ENABLED and kept_in(row, "object-lock") is not None:
                raise Changed(
                    "An Object Lock configuration is present on this bucket, so the versioning "
                    "state cannot be changed.",
                    kind="InvalidBucketState",
                )
            self._store.containers.post(tx, asked.access, asked.bucket, wishes)

        await self._store.write(work, name="object container post")
        return Reply(200, raw=b"")

    async def setting(self, call: Call) -> Reply:
        """A setting that is looked at."""
        row = await self._seen(call)
        name = call.operation.query
        kept = kept_in(row, name) if name in KEPT else None
        if name == "encryption" and self._store.bytes.ciphers.on:
            kept = "AES256"
        if kept is not None:
            return KEPT[name][1](kept)
        if name in EMPTY:
            return document(EMPTY[name])
        if name == "requestPayment":
            return document("RequestPaymentConfiguration", element("Payer", "BucketOwner"))
        code, message = MISSING[name]
        raise NoSuchObject(message, kind=code)

    async def set(self, call: Call) -> Reply:
        """A setting that is made or removed: to remove what is not there is done."""
        await self._seen(call)
        if call.operation.method == "DELETE":
            return Reply(204)
        raise NotImplementedYet(f"{call.operation.query} of buckets is not implemented.")

    async def absent(self, call: Call) -> Reply:
        """Part of a bucket or an object that is not here: never the bucket or object itself."""
        raise NotImplementedYet(f"{call.operation.query} is not implemented.")

    async def delete_many(self, call: Call) -> Reply:
        asked = self._read(call)
        node = parsed(await asked.body().whole())
        wanted = [] if node is None else list(children(node, "Object"))
        malformed = malformed_xml()
        if node is None or name_of(node) != "Delete" or not wanted:
            raise malformed
        if len(wanted) > limits.S3_MULTI_DELETE:
            raise malformed
        quiet = value_of(node, "Quiet") == "true"
        lines = []
        for each in wanted:
            key = value_of(each, "Key")
            if not key:
                raise malformed
            version, etag = value_of(each, "VersionId"), value_of(each, "ETag")
            line = await self._delete(asked, key, version, etag)
            if not quiet or line.startswith("<Error>"):
                lines.append(line)
        return document("DeleteResult", *lines)

    async def _delete(self, asked: Asked, key: str, version: str | None, etag: str | None) -> str:
        held = {} if etag is None else {"if-match": etag}
        try:
            if version is not None and not version_time(version):
                raise NoSuchObject("The specified version does not exist.", kind="NoSuchVersion")
            done = await self._store.write(
                lambda tx: deleted(self._store, tx, asked, key, version, held),
                name="object delete",
            )
        except NoSuchContainer:
            raise
        except StoreFault as fault:
            code = element("Code", fault.kind)
            return f"<Error>{text('Key', key)}{code}{text('Message', fault.message)}</Error>"
        found = [text("Key", key)]
        if version is not None:
            found.append(text("VersionId", version))
        if done.marker:
            found.append(element("DeleteMarker", "true"))
            found.append(text("DeleteMarkerVersionId", done.version or version or ""))
        return element("Deleted", *found)

    async def _seen(self, call: Call) -> ContainerRow:
        """For whoever may see the bucket. Raises NoSuchContainer."""
        asked = self._read(call)
        return await self._store.database.read(
            lambda tx: self._store.containers.seen(tx, asked.access, asked.bucket)
        )


def _ownership(asked: Asked) -> dict[str, Any]:
    given = asked.headers.get("x-amz-object-ownership")
    if given is None:
        return {}
    if given not in OWNERSHIP:
        raise BadInput("Invalid x-amz-object-ownership header.", kind="InvalidArgument")
    return {option("ownershipControls"): given}


def has_body(asked: Asked) -> bool:
    return asked.headers.get("content-length", "0") != "0" or "transfer-encoding" in asked.headers


class Deletion(NamedTuple):
    """`version`: the marker's, or that of what was removed; `marker`: it is one."""

    version: str | None
    marker: bool


def deleted(
    store: ObjectStoreService,
    tx: Tx,
    asked: Asked,
    key: str,
    version: str | None,
    conditions: Mapping[str, str],
) -> Deletion:
    """What is not there is gone, too. Raises PreconditionFailed."""
    if conditions:
        store.objects.check_there(tx, asked.access, asked.bucket, key, version, conditions)
    try:
        if version is not None:
            forced = asked.headers.get("x-amz-bypass-governance-retention", "").lower() == "true"
            was = store.objects.delete_version(
                tx, asked.access, asked.bucket, key, version, bypass=forced
            )
            return Deletion(version, was)
        made = store.objects.delete(tx, asked.access, asked.bucket, key, absent_too=True)
    except NoSuchObject:
        return Deletion(version, False)
    return Deletion(None if made is None else made.version, made is not None)
