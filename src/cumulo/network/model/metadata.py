"""A guest's question to 169.254.169.254 and the answer to it."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec


class MetadataRequest(msgspec.Struct, frozen=True):
    """One HTTP request of a guest whose port is known from where it came.

    `path` is the request target, with its query; header names are lower case, without the
    guest's own X-Forwarded-*, X-Instance-* and other X-* names that could lend it an identity
    (the AWS names X-aws-ec2-metadata-* stay).
    """

    port_id: str
    device_id: str
    project_id: str
    address: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class MetadataResponse(msgspec.Struct, frozen=True):
    status: int
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""


MetadataHandler = Callable[[MetadataRequest], Awaitable[MetadataResponse]]
