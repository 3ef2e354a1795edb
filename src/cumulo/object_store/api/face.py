"""The object store's HTTP faces: Swift v1, and S3."""

import dataclasses
import os
import time
from collections.abc import Callable

from cumulo.core.auth.policy import Rules
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Authentication, Call, Face, Operation
from cumulo.object_store.api import containers, info, objects, texts
from cumulo.object_store.api.accounts import AccountsApi
from cumulo.object_store.api.archives import ArchivesApi
from cumulo.object_store.api.asked import Asked
from cumulo.object_store.api.auth_v1 import AuthV1
from cumulo.object_store.api.bulk import BulkApi
from cumulo.object_store.api.containers import ContainersApi
from cumulo.object_store.api.cors import Cors
from cumulo.object_store.api.forms import FormsApi
from cumulo.object_store.api.large import LargeApi
from cumulo.object_store.api.object_writes import ObjectWritesApi
from cumulo.object_store.api.objects import ObjectsApi
from cumulo.object_store.api.rates import RateLimits
from cumulo.object_store.api.signed_urls import SignedUrls
from cumulo.object_store.api.static_web import StaticWeb
from cumulo.object_store.api.sync import SyncApi
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.object_store import ObjectStoreService

MOUNT = "/object-store"
Way = Callable[[Tx, Call], Principal | None]


def swift_faces(
    store: ObjectStoreService, rules: Rules, caller: Caller, sync: SyncApi, rates: RateLimits
) -> list[Face]:
    """At the catalog's URL; and at the root, where Swift's own tools and tests expect it."""
    return [
        _face(store, rules, sync, rates, MOUNT, []),
        _face(store, rules, sync, rates, "", AuthV1(caller).operations()),
    ]


def _face(
    store: ObjectStoreService,
    rules: Rules,
    sync: SyncApi,
    rates: RateLimits,
    mount: str,
    more: list[Operation],
) -> Face:
    reads, forms, web = ObjectsApi(store), FormsApi(store), StaticWeb(store)
    reads.visit = web.missing
    cors = Cors(store)

    def seen_by_sites(operation: Operation) -> Operation:
        kept = rates.kept(operation, _place)
        return dataclasses.replace(kept, handler=cors.told(kept.handler))

    of_containers = [
        *ContainersApi(store, web, forms, sync).operations(),
        *BulkApi(store).operations(),
        *ArchivesApi(store).operations(),
        *reads.operations(),
        *ObjectWritesApi(store, reads, LargeApi(store), forms.post, sync).operations(),
    ]
    return Face(
        name="object_store",
        speaks="octets",
        service_types=("object-store",),
        mount=mount,
        faults=texts.refusal,
        rules=rules,
        authentication=Authentication(
            verify=first_of(sync.verify, SignedUrls(store).verify),
            token_headers=("X-Auth-Token", "X-Storage-Token"),
            anonymous=True,
        ),
        headers=texts.SANDBOX,
        request_id_headers=("X-Trans-Id", "X-Openstack-Request-Id"),
        new_request_id=transaction_id,
        operations=[
            *more,
            *info.operations(sync.info(), rates.info()),
            *AccountsApi(store).operations(),
            *(seen_by_sites(each) for each in of_containers),
            *cors.operations("/v1/{account}", containers.PATH, objects.PATH),
        ],
    )


def _place(call: Call) -> tuple[Access, str, str]:
    asked = Asked(call)
    return asked.access, asked.place.container, asked.place.object


def first_of(*ways: Way) -> Way:
    """Whichever of them has found something."""

    def verify(tx: Tx, call: Call) -> Principal | None:
        for way in ways:
            found = way(tx, call)
            if found is not None or call.grant is not None:
                return found
        return None

    return verify


def transaction_id() -> str:
    """`tx`, 21 hexadecimal digits, and the time: Swift's form, which its tools take apart."""
    return f"tx{os.urandom(11).hex()[:21]}-{int(time.time()):010x}"
