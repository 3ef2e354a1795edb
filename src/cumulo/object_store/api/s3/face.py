"""The faces of S3: at `/` for what is signed for it, at a bucket's own host, and at `/s3`."""

import dataclasses
from collections.abc import Sequence
from functools import partial

from cumulo.core.auth.policy import Rules
from cumulo.core.http.operations import Authentication, Call, Claims, Face, Operation
from cumulo.identity.interface import RequestKeys
from cumulo.object_store.api.rates import RateLimits
from cumulo.object_store.api.s3.acls import AclsApi
from cumulo.object_store.api.s3.asked import Asked
from cumulo.object_store.api.s3.attributes import AttributesApi
from cumulo.object_store.api.s3.buckets import (
    ABSENT,
    ABSENT_OF_OBJECTS,
    EMPTY,
    MISSING,
    BucketsApi,
)
from cumulo.object_store.api.s3.documents import Handler, refusal, worded
from cumulo.object_store.api.s3.lists import ListsApi
from cumulo.object_store.api.s3.locks import LocksApi
from cumulo.object_store.api.s3.multipart import MultipartApi
from cumulo.object_store.api.s3.objects import ObjectsApi
from cumulo.object_store.api.s3.policies import PoliciesApi
from cumulo.object_store.api.s3.settings import KEPT, SettingsApi
from cumulo.object_store.api.s3.signing import Signing
from cumulo.object_store.api.s3.sites import Sites
from cumulo.object_store.api.s3.versions import VersionsApi
from cumulo.object_store.api.texts import SANDBOX
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.object_store import ObjectStoreService

ALIAS = "/s3"
PROJECTS = "/s3-projects"
"""Before the bucket the path says whose it is: for other projects, and for everybody."""


def s3_faces(
    store: ObjectStoreService,
    rules: Rules,
    keys: RequestKeys,
    *,
    region: str,
    domains: Sequence[str],
    rates: RateLimits,
) -> list[Face]:
    signing = Signing(keys, domains, (ALIAS, PROJECTS))

    def face(
        mount: str,
        operations: list[Operation],
        claims: Claims | None = None,
        *,
        anonymous: bool = False,
    ) -> Face:
        return Face(
            name="object_store",
            speaks="octets",
            service_types=("object-store", "s3"),
            mount=mount,
            faults=refusal,
            rules=rules,
            authentication=Authentication(
                verify=signing.verify if anonymous else signing.verify_always,
                token_headers=(),
                anonymous=anonymous,
            ),
            headers=SANDBOX,
            request_id_headers=("x-amz-request-id", "x-amz-id-2"),
            operations=operations,
            claims=claims,
        )

    by_host = _Operations(store, region, rates, signing, signing)
    by_path = _Operations(store, region, rates, None, signing)
    by_project = _Operations(store, region, rates, None, signing, names_project=True)
    return [
        face("", by_host.of("/", "/{key:raw}"), signing.claims_host),
        face("", by_path.all(), signing.claims),
        face(ALIAS, by_path.all()),
        face(PROJECTS, by_project.all("/{project}"), anonymous=True),
    ]


class _Operations:
    def __init__(
        self,
        store: ObjectStoreService,
        region: str,
        rates: RateLimits,
        signing: Signing | None,
        sites: Signing,
        *,
        names_project: bool = False,
    ) -> None:
        def read(call: Call) -> Asked:
            bucket = None if signing is None else signing.bucket_of(call.header("Host") or "")
            return Asked(call, bucket, names_project=names_project)

        def place(call: Call) -> tuple[Access, str, str]:
            asked = read(call)
            return asked.access, asked.bucket, asked.key

        self._rates, self._place = rates, place
        self._sites = Sites(store, read, sites, names_project=names_project)
        self._settings = SettingsApi(store, read)
        self._locks = LocksApi(store, read)
        self._lists = ListsApi(store, read)
        self._versions = VersionsApi(store, read)
        self._acls = AclsApi(store, read)
        self._policies = PoliciesApi(store, read)
        self._buckets = BucketsApi(store, read, region)
        self._objects = ObjectsApi(store, read)
        self._attributes = AttributesApi(store, read, self._objects)
        self._multipart = MultipartApi(store, read, self._objects)

    def all(self, whose: str = "") -> list[Operation]:
        """Where the path names the bucket."""
        root = _operation("GET", whose or "/", self._lists.buckets, "")
        return [root, *self.of(f"{whose}/{{bucket}}", f"{whose}/{{bucket}}/{{key:raw}}")]

    def of(self, bucket: str, key: str) -> list[Operation]:
        found = [*self._of_buckets(bucket), *self._of_objects(key)]
        found = [self._rates.kept(each, self._place) for each in found]
        seen = [dataclasses.replace(each, handler=self._sites.told(each.handler)) for each in found]
        asked = [
            Operation("OPTIONS", path, worded(self._sites.preflight), kind="stream", public=True)
            for path in (bucket, key)
        ]
        return [*seen, *asked]

    def _of_buckets(self, path: str) -> list[Operation]:
        of = partial(_of, path)
        buckets = self._buckets
        settings = (*MISSING, *EMPTY, "requestPayment")
        return [
            of("PUT", buckets.create),
            of("HEAD", buckets.head),
            of("DELETE", buckets.delete),
            of("GET", self._lists.objects),
            of("GET", buckets.location, "location"),
            of("GET", self._acls.bucket, "acl"),
            of("PUT", self._acls.put_bucket, "acl"),
            of("GET", self._policies.get, "policy"),
            of("PUT", self._policies.put, "policy"),
            of("DELETE", self._policies.delete, "policy"),
            of("GET", self._policies.status, "policyStatus"),
            of("POST", buckets.delete_many, "delete"),
            of("GET", buckets.versioning, "versioning"),
            of("PUT", buckets.put_versioning, "versioning"),
            of("GET", self._versions.index, "versions"),
            of("GET", self._multipart.uploads, "uploads"),
            *(of("GET", buckets.setting, name) for name in settings),
            *(of("PUT", self._settings.put, name) for name in KEPT),
            *(of("DELETE", self._settings.delete, name) for name in KEPT if name != "object-lock"),
            *(
                of(verb, buckets.set, name)
                for verb in ("PUT", "DELETE")
                for name in settings
                if name not in KEPT
            ),
            # A browser's form would be taken for a list of what is to be deleted.
            of("POST", buckets.absent),
            *(
                of(verb, buckets.absent, name)
                for verb in ("GET", "PUT", "POST", "DELETE")
                for name in ABSENT
                if name not in settings
            ),
        ]

    def _of_objects(self, path: str) -> list[Operation]:
        of = partial(_of, path)
        objects, multipart = self._objects, self._multipart
        return [
            of("GET", objects.get),
            of("HEAD", objects.get),
            of("PUT", objects.put),
            of("DELETE", objects.delete),
            of("GET", self._attributes.get, "attributes"),
            of("GET", self._acls.object, "acl"),
            of("PUT", self._acls.put_object, "acl"),
            of("GET", objects.tags, "tagging"),
            of("PUT", objects.put_tags, "tagging"),
            of("DELETE", objects.put_tags, "tagging"),
            of("GET", self._locks.retention, "retention"),
            of("PUT", self._locks.put_retention, "retention"),
            of("GET", self._locks.hold, "legal-hold"),
            of("PUT", self._locks.put_hold, "legal-hold"),
            of("POST", multipart.begin, "uploads"),
            of("PUT", multipart.put, "uploadId"),
            of("POST", multipart.complete, "uploadId"),
            of("GET", multipart.parts, "uploadId"),
            of("DELETE", multipart.abort, "uploadId"),
            of("POST", self._buckets.absent),
            *(
                of(verb, self._buckets.absent, name)
                for verb in ("GET", "HEAD", "PUT", "POST", "DELETE")
                for name in ABSENT_OF_OBJECTS
            ),
        ]


def _of(path: str, method: str, handler: Handler, query: str = "") -> Operation:
    return _operation(method, path, handler, query)


def _operation(method: str, path: str, handler: Handler, query: str) -> Operation:
    return Operation(method, path, worded(handler), kind="stream", query=query)
