"""What each operation of S3 is called in policies of buckets."""

from collections.abc import Mapping

from cumulo.core.http.operations import Call
from cumulo.object_store.api.asked import said_of
from cumulo.object_store.model.signature import Signature

_OBJECTS: Mapping[tuple[str, str], str] = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "GetObject",
    ("PUT", ""): "PutObject",
    ("DELETE", ""): "DeleteObject",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "acl"): "GetObjectAcl",
    ("PUT", "acl"): "PutObjectAcl",
    ("GET", "tagging"): "GetObjectTagging",
    ("PUT", "tagging"): "PutObjectTagging",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("GET", "retention"): "GetObjectRetention",
    ("PUT", "retention"): "PutObjectRetention",
    ("GET", "legal-hold"): "GetObjectLegalHold",
    ("PUT", "legal-hold"): "PutObjectLegalHold",
    ("POST", "uploads"): "PutObject",
    ("PUT", "uploadId"): "PutObject",
    ("POST", "uploadId"): "PutObject",
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
}
_OF_VERSIONS = (
    *("GetObject", "DeleteObject", "GetObjectAcl", "PutObjectAcl", "GetObjectAttributes"),
    *("GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"),
)
_BUCKETS: Mapping[tuple[str, str], str] = {
    ("PUT", ""): "CreateBucket",
    ("DELETE", ""): "DeleteBucket",
    ("GET", ""): "ListBucket",
    ("HEAD", ""): "ListBucket",
    ("POST", "delete"): "DeleteObject",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "location"): "GetBucketLocation",
    ("DELETE", "policy"): "DeleteBucketPolicy",
}
_SETTINGS: Mapping[str, str] = {
    "acl": "BucketAcl",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "versioning": "BucketVersioning",
    "tagging": "BucketTagging",
    "cors": "BucketCORS",
    "lifecycle": "LifecycleConfiguration",
    "encryption": "EncryptionConfiguration",
    "object-lock": "BucketObjectLockConfiguration",
    "website": "BucketWebsite",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "ownershipControls": "BucketOwnershipControls",
    "replication": "ReplicationConfiguration",
    "logging": "BucketLogging",
    "notification": "BucketNotification",
    "accelerate": "AccelerateConfiguration",
    "requestPayment": "BucketRequestPayment",
}


def action_of(call: Call, *, key: bool) -> str:
    """`s3:GetObject` … A setting is removed by whoever may set it."""
    method, query = call.operation.method, call.operation.query
    if key:
        name = _OBJECTS.get((method, query), "PutObject" if method != "GET" else "GetObject")
        if name in _OF_VERSIONS and call.query.get("versionId"):
            name = name.replace("Object", "ObjectVersion", 1)
        return f"s3:{name}"
    known = _BUCKETS.get((method, query))
    if known is None and query in _SETTINGS:
        known = ("Get" if method == "GET" else "Put") + _SETTINGS[query]
    return f"s3:{known or 'ListBucket'}"


def said_by(call: Call, signature: Signature | None) -> dict[str, str]:
    """With how it was signed."""
    found = said_of(call)
    if signature is not None:
        by_query = signature.expires is not None
        found["s3:signatureversion"] = "AWS4-HMAC-SHA256" if signature.version == 4 else "AWS"
        found["s3:authtype"] = "REST-QUERY-STRING" if by_query else "REST-HEADER"
    return found
