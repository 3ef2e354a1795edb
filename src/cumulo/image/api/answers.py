"""What image answers, operation by operation: the OpenAPI document is made of it, and every
answer of the wire stories is held against it."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.http.responses import Empty, Octets
from cumulo.core.wire.shapes import Body, OpenBody


class Version(Body, kw_only=True):
    id: str
    links: list[Link]
    status: str


class Link(Body, kw_only=True):
    href: str
    rel: str


class Image(OpenBody, kw_only=True):
    a_b: str | UnsetType = field(name="a/b", default=UNSET)
    checksum: str | None
    colour: str | UnsetType = UNSET
    container_format: str | None
    created_at: str | None
    disk_format: str | None
    file: str
    from_: str | UnsetType = field(name="from", default=UNSET)
    hw_architecture: str | UnsetType = UNSET
    hw_cpu_cores: str | UnsetType = UNSET
    hw_disk_bus: str | UnsetType = UNSET
    hw_qemu_guest_agent: str | UnsetType = UNSET
    hw_rng_model: str | UnsetType = UNSET
    hw_vif_model: str | UnsetType = UNSET
    id: str
    min_disk: int
    min_ram: int
    name: str | None
    os_admin_user: str | UnsetType = UNSET
    os_distro: str | UnsetType = UNSET
    os_glance_failed_import: str | UnsetType = UNSET
    os_glance_import_task: str | UnsetType = UNSET
    os_glance_importing_to_stores: str | UnsetType = UNSET
    os_hash_algo: str | None
    os_hash_value: str | None
    os_hidden: bool
    os_type: str | UnsetType = UNSET
    owner: str
    protected: bool
    schema: str
    self: str
    size: int | None
    speed: str | UnsetType = UNSET
    status: str
    stores: str | UnsetType = UNSET
    tags: list[str]
    trait_ssd: str | UnsetType = field(name="trait:SSD", default=UNSET)
    updated_at: str | None
    virtual_size: int | None
    visibility: str


class Usage(Body, kw_only=True):
    image_count_total: dict[str, int]
    image_count_uploading: QuotaUsage
    image_size_total: QuotaUsage
    image_stage_total: QuotaUsage


class QuotaUsage(Body, kw_only=True):
    limit: int
    usage: int


class ImportMethod(Body, kw_only=True):
    description: str | None
    type: str
    value: list[str]


class Store(Body, kw_only=True):
    default: str | UnsetType | None = UNSET
    id: str
    properties: dict[str, Any] | UnsetType = UNSET
    read_only: str | UnsetType = field(name="read-only", default=UNSET)
    type: str | UnsetType = UNSET
    weight: int | UnsetType = UNSET


class Object(Body, kw_only=True):
    created_at: str | None
    description: str | UnsetType | None = UNSET
    name: str
    properties: dict[str, Any]
    required: list[str]
    schema: str
    self: str
    updated_at: str | None


class Item(Body, kw_only=True):
    enum: list[str]
    type: str


class ResourceTypeAssociation(Body, kw_only=True):
    created_at: str | None
    name: str
    prefix: str | UnsetType = UNSET
    properties_target: str | UnsetType = UNSET
    updated_at: str | None


class Tag(Body, kw_only=True):
    name: str


class Namespace(Body, kw_only=True):
    created_at: str | None
    description: str | UnsetType | None = UNSET
    display_name: str | UnsetType = UNSET
    namespace: str
    owner: str
    protected: bool
    resource_type_associations: list[ResourceTypeAssociation] | UnsetType = UNSET
    schema: str
    self: str
    updated_at: str | None
    visibility: str


class ResourceType(Body, kw_only=True):
    created_at: str | None
    name: str
    updated_at: str | None


class Task(Body, kw_only=True):
    created_at: str | None
    expires_at: str | UnsetType | None = UNSET
    id: str
    image_id: str | UnsetType | None = UNSET
    input: dict[str, Any] | UnsetType = UNSET
    message: str | UnsetType = UNSET
    owner: str
    request_id: str | UnsetType | None = UNSET
    result: dict[str, Any] | UnsetType | None = UNSET
    schema: str | UnsetType = UNSET
    self: str | UnsetType = UNSET
    status: str
    type: str
    updated_at: str | None
    user_id: str | UnsetType = UNSET


class Method(Body, kw_only=True):
    glance_image_id: str | None
    glance_region: str
    glance_service_interface: str
    name: str
    uri: str


class CachedImage(Body, kw_only=True):
    hits: int
    image_id: str | None
    last_accessed: float
    last_modified: float
    size: int


class Member(Body, kw_only=True):
    created_at: str | None
    image_id: str | None
    member_id: str | None
    schema: str
    status: str
    updated_at: str | None


class VersionsAnswer(Body, kw_only=True):
    versions: list[Version]


class ImagesAnswer(Body, kw_only=True):
    first: str
    images: list[Image]
    next: str | UnsetType | None = UNSET
    schema: str


class UsageAnswer(Body, kw_only=True):
    usage: Usage


class ImportMethodsAnswer(Body, kw_only=True):
    import_methods: ImportMethod = field(name="import-methods")


class StoresAnswer(Body, kw_only=True):
    stores: list[Store]


class NamespacesAnswer(Body, kw_only=True):
    first: str
    namespaces: list[Namespace]
    next: str | UnsetType | None = UNSET
    schema: str


class NamespaceAnswer(Body, kw_only=True):
    created_at: str | None
    description: str | UnsetType | None = UNSET
    display_name: str | UnsetType = UNSET
    namespace: str
    objects: list[Object] | UnsetType = UNSET
    owner: str
    properties: dict[str, Any] | UnsetType = UNSET
    protected: bool
    resource_type_associations: list[ResourceTypeAssociation] | UnsetType = UNSET
    schema: str
    self: str
    tags: list[Tag] | UnsetType = UNSET
    updated_at: str | None
    visibility: str


class ResourceTypesAnswer(Body, kw_only=True):
    resource_types: list[ResourceType]


class PropertyAnswer(Body, kw_only=True):
    """What JSON Schema says of one property, but for `name`, `operators` and `readonly`."""

    additional_items: bool | UnsetType = field(name="additionalItems", default=UNSET)
    confidential: bool | UnsetType = UNSET
    default: Any = UNSET
    description: str | UnsetType | None = UNSET
    enum: list[Any] | UnsetType = UNSET
    items: dict[str, Any] | UnsetType = UNSET
    max_items: int | UnsetType = field(name="maxItems", default=UNSET)
    max_length: int | UnsetType = field(name="maxLength", default=UNSET)
    maximum: float | UnsetType = UNSET
    min_items: int | UnsetType = field(name="minItems", default=UNSET)
    min_length: int | UnsetType = field(name="minLength", default=UNSET)
    minimum: float | UnsetType = UNSET
    name: str
    operators: list[str] | UnsetType = UNSET
    pattern: str | UnsetType = UNSET
    readonly: bool | UnsetType = UNSET
    required: list[str] | UnsetType = UNSET
    title: str
    type: str | None
    unique_items: bool | UnsetType = field(name="uniqueItems", default=UNSET)


class PropertiesAnswer(Body, kw_only=True):
    properties: dict[str, Any]


class ResourceTypeAssociationsAnswer(Body, kw_only=True):
    resource_type_associations: list[ResourceTypeAssociation]


class ObjectsAnswer(Body, kw_only=True):
    first: str
    next: str | UnsetType | None = UNSET
    objects: list[Object]
    schema: str


class NamespaceTagAnswer(Body, kw_only=True):
    created_at: str | None
    name: str
    updated_at: str | None


class TagsAnswer(Body, kw_only=True):
    tags: list[Tag]


class NamespaceTagsAnswer(Body, kw_only=True):
    first: str
    next: str | UnsetType | None = UNSET
    schema: str
    tags: list[Tag]


class TasksAnswer(Body, kw_only=True):
    tasks: list[Task]


class ShownTasksAnswer(Body, kw_only=True):
    first: str
    next: str | UnsetType | None = UNSET
    schema: str
    tasks: list[Task]


class CacheAnswer(Body, kw_only=True):
    cached_images: list[CachedImage]
    queued_images: list[str]


class CachePruneAnswer(Body, kw_only=True):
    total_bytes_pruned: int
    total_files_pruned: int


class ImageMembersAnswer(Body, kw_only=True):
    created_at: str | None
    image_id: str | None
    member_id: str | None
    schema: str
    status: str
    updated_at: str | None


class ImageMemberAnswer(Body, kw_only=True):
    created_at: str | None
    image_id: str | None
    member_id: str | None
    schema: str
    status: str
    updated_at: str | None


class MembersAnswer(Body, kw_only=True):
    members: list[Member]
    schema: str


class MemberSchema(Body, kw_only=True):
    name: str
    properties: dict[str, Any]


class MembersSchema(Body, kw_only=True):
    links: list[Link]
    name: str
    properties: dict[str, Any]


ANSWERS: dict[str, Any] = {
    "GET ": VersionsAnswer,
    "GET /v2/cache": CacheAnswer,
    "GET /v2/images": ImagesAnswer,
    "GET /v2/images/{image_id}": Image,
    "GET /v2/images/{image_id}/members": MembersAnswer,
    "GET /v2/images/{image_id}/members/{member_id}": ImageMemberAnswer,
    "GET /v2/images/{image_id}/tasks": TasksAnswer,
    "GET /v2/info/import": ImportMethodsAnswer,
    "GET /v2/info/stores": StoresAnswer,
    "GET /v2/info/stores/detail": StoresAnswer,
    "GET /v2/info/usage": UsageAnswer,
    "GET /v2/metadefs/namespaces": NamespacesAnswer,
    "GET /v2/metadefs/namespaces/{namespace}": NamespaceAnswer,
    "GET /v2/metadefs/namespaces/{namespace}/objects": ObjectsAnswer,
    "GET /v2/metadefs/namespaces/{namespace}/objects/{object_name}": Object,
    "GET /v2/metadefs/namespaces/{namespace}/properties": PropertiesAnswer,
    "GET /v2/metadefs/namespaces/{namespace}/properties/{property_name}": PropertyAnswer,
    "GET /v2/metadefs/namespaces/{namespace}/resource_types": ResourceTypeAssociationsAnswer,
    "GET /v2/metadefs/namespaces/{namespace}/tags": NamespaceTagsAnswer,
    "GET /v2/metadefs/namespaces/{namespace}/tags/{tag_name}": NamespaceTagAnswer,
    "GET /v2/metadefs/resource_types": ResourceTypesAnswer,
    "GET /v2/schemas/image": dict[str, Any],
    "GET /v2/schemas/images": dict[str, Any],
    "GET /v2/schemas/metadefs/namespace": dict[str, Any],
    "GET /v2/schemas/metadefs/namespaces": dict[str, Any],
    "GET /v2/schemas/metadefs/object": dict[str, Any],
    "GET /v2/schemas/metadefs/objects": dict[str, Any],
    "GET /v2/schemas/metadefs/properties": dict[str, Any],
    "GET /v2/schemas/metadefs/property": dict[str, Any],
    "GET /v2/schemas/metadefs/resource_type": dict[str, Any],
    "GET /v2/schemas/metadefs/resource_types": dict[str, Any],
    "GET /v2/schemas/metadefs/tag": dict[str, Any],
    "GET /v2/schemas/metadefs/tags": dict[str, Any],
    "GET /v2/schemas/task": dict[str, Any],
    "GET /v2/schemas/tasks": dict[str, Any],
    "GET /v2/tasks": ShownTasksAnswer,
    "GET /v2/tasks/{task_id}": Task,
    "GET /versions": VersionsAnswer,
    "PATCH /v2/images/{image_id}": Image,
    "POST /v2/cache/prune": CachePruneAnswer,
    "POST /v2/images": Image,
    "POST /v2/images/{image_id}/locations": list[dict[str, Any]],
    "POST /v2/images/{image_id}/members": ImageMembersAnswer,
    "POST /v2/metadefs/namespaces": NamespaceAnswer,
    "POST /v2/metadefs/namespaces/{namespace}/objects": Object,
    "POST /v2/metadefs/namespaces/{namespace}/properties": PropertyAnswer,
    "POST /v2/metadefs/namespaces/{namespace}/resource_types": ResourceTypeAssociation,
    "POST /v2/metadefs/namespaces/{namespace}/tags": TagsAnswer,
    "POST /v2/metadefs/namespaces/{namespace}/tags/{tag_name}": NamespaceTagAnswer,
    "POST /v2/tasks": Task,
    "PUT /v2/images/{image_id}/members/{member_id}": ImageMemberAnswer,
    "PUT /v2/metadefs/namespaces/{namespace}": Namespace,
    "PUT /v2/metadefs/namespaces/{namespace}/objects/{object_name}": Object,
    "PUT /v2/metadefs/namespaces/{namespace}/properties/{property_name}": PropertyAnswer,
    "PUT /v2/metadefs/namespaces/{namespace}/tags/{tag_name}": NamespaceTagAnswer,
    "GET /v2/images/{image_id}/file": Octets,
    "POST /v2/images/{image_id}/import": Empty,
    "PUT /v2/cache/{image_id}": Empty,
    "GET /v2/schemas/member": MemberSchema,
    "GET /v2/schemas/members": MembersSchema,
    "GET /v2/images/{image_id}/locations": list,
    "DELETE /v2/tasks/{task_id}": Empty,
    "GET /content/{ticket}": Octets,
}
