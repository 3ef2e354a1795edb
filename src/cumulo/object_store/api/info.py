"""What this store can do (`/info`), and that it is there (`/healthcheck`)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.object_store.model import limits
from cumulo.object_store.model.container import POLICY
from cumulo.object_store.model.tempurl import DIGESTS, METHODS
from cumulo.object_store.service.archives import MAX_CONTAINERS, MAX_FAILED

CAPABILITIES: Mapping[str, Mapping[str, Any]] = {
    "swift": {
        "version": "2.38.0",
        "strict_cors_mode": True,
        "policies": [{"name": POLICY, "aliases": POLICY, "default": True}],
        "allow_account_management": False,
        "account_autocreate": True,
        "max_file_size": limits.MAX_FILE_SIZE,
        "max_meta_name_length": limits.MAX_META_NAME,
        "max_meta_value_length": limits.MAX_META_VALUE,
        "max_meta_count": limits.MAX_META_COUNT,
        "max_meta_overall_size": limits.MAX_META_SIZE,
        "max_header_size": limits.MAX_HEADER_SIZE,
        "max_object_name_length": limits.MAX_OBJECT_NAME,
        "container_listing_limit": limits.LISTING_LIMIT,
        "account_listing_limit": limits.LISTING_LIMIT,
        "max_account_name_length": limits.MAX_ACCOUNT_NAME,
        "max_container_name_length": limits.MAX_CONTAINER_NAME,
        "extra_header_count": 0,
    },
    "slo": {
        "max_manifest_segments": limits.MAX_SEGMENTS,
        "max_manifest_size": limits.MAX_MANIFEST_SIZE,
        "min_segment_size": 1,
        "allow_async_delete": False,
    },
    "dlo": {},
    "symlink": {"symloop_max": 2, "static_links": True},
    "versioned_writes": {"allowed_flags": ["x-versions-location", "x-history-location"]},
    "object_versioning": {},
    "crossdomain": {},
    "account_quotas": {},
    "container_quotas": {},
    "staticweb": {},
    "formpost": {"allowed_digests": list(DIGESTS), "deprecated_digests": ["sha1"]},
    "bulk_upload": {
        "max_containers_per_extraction": MAX_CONTAINERS,
        "max_failed_extractions": MAX_FAILED,
    },
    "bulk_delete": {
        "max_deletes_per_request": limits.MAX_DELETES,
        "max_failed_deletes": limits.MAX_FAILED_DELETES,
    },
    "tempurl": {
        "methods": list(METHODS),
        "incoming_remove_headers": ["x-timestamp"],
        "incoming_allow_headers": [],
        "outgoing_remove_headers": ["x-object-meta-*"],
        "outgoing_allow_headers": ["x-object-meta-public-*"],
        "allowed_digests": list(DIGESTS),
        "deprecated_digests": ["sha1"],
    },
    "s3api": {
        "max_bucket_listing": limits.S3_LISTING_LIMIT,
        "max_parts_listing": limits.S3_LISTING_LIMIT,
        "max_upload_part_num": limits.S3_PARTS,
        "max_multi_delete_objects": limits.S3_MULTI_DELETE,
        "allow_multipart_uploads": True,
        "min_segment_size": limits.S3_MIN_PART,
        "s3_acl": False,
    },
}


def operations(sync: Mapping[str, Any], rates: Mapping[str, Any]) -> list[Operation]:
    """`sync`: the realms that containers are sent on in; `rates`: how fast one may be."""
    more = {"container_sync": sync, "ratelimit": rates}
    body = msgspec.json.encode({**CAPABILITIES, **more})

    def info(call: Call, tx: Any) -> Reply:
        return Reply(200, raw=body, content_type="application/json; charset=UTF-8")

    return [
        Operation("GET", "/info", info, public=True, title="object store capabilities"),
        Operation("GET", "/healthcheck", _health, public=True, title="object store health"),
        Operation("GET", "/crossdomain.xml", _policy, public=True, title="old plug-ins"),
    ]


_POLICY = b"""<?xml version="1.0"?>
<!DOCTYPE cross-domain-policy SYSTEM "http://www.adobe.com/xml/dtds/cross-domain-policy.dtd" >
<cross-domain-policy>
<allow-access-from domain="*" secure="false" />
</cross-domain-policy>"""


def _policy(call: Call, tx: Any) -> Reply:
    """Which sites' plug-ins of browsers may ask: all, as in Swift. Nothing goes by cookies."""
    return Reply(200, raw=_POLICY, content_type="application/xml")


def _health(call: Call, tx: Any) -> Reply:
    return Reply(200, raw=b"OK", content_type="text/plain")
