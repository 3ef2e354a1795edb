"""Metadata definitions: which properties resources may have, of which types, as catalogues.

A *namespace* holds *properties*, *objects* (groups of properties) and *tags*, and says for which
*resource types* they are meant, with the prefix that their names have there. Nothing is enforced
by them: clients read them to offer what may be set on an image, a flavor or a volume.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table
from cumulo.core.wire.shapes import StrictBody, Unset

Visibility = Literal["public", "private"]
VISIBILITIES: tuple[Visibility, ...] = ("public", "private")

MOST_NAME = 255
MOST_NAMESPACE = 80

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_NAME)]
NamespaceName = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_NAMESPACE)]
Text80 = Annotated[str, msgspec.Meta(max_length=80)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Type = Literal["array", "boolean", "integer", "number", "object", "string"] | None


T = TypeVar("T")
D = TypeVar("D")


def given(value: T | Unset, default: D) -> T | D:
    """What a wish says, or else the default."""
    return default if isinstance(value, Unset) else value


class Items(StrictBody):
    """What the members of an array are."""

    type: Type | Unset = UNSET
    enum: list[Any] | Unset = UNSET


class PropertySchema(StrictBody, kw_only=True):
    """A property in the words of JSON schema, and the operators that a scheduler's filter knows."""

    title: str
    type: Type
    name: Name | Unset = UNSET
    description: str | Unset = UNSET
    operators: list[str] | Unset = UNSET
    default: Any = UNSET
    readonly: bool | Unset = UNSET
    confidential: bool | Unset = UNSET
    required: list[str] | Unset = UNSET
    minimum: int | float | Unset = UNSET
    maximum: int | float | Unset = UNSET
    enum: list[Any] | Unset = UNSET
    pattern: str | Unset = UNSET
    minLength: Count | Unset = UNSET
    maxLength: Count | Unset = UNSET
    items: Items | Unset = UNSET
    uniqueItems: bool | Unset = UNSET
    minItems: Count | Unset = UNSET
    maxItems: Count | Unset = UNSET
    additionalItems: bool | Unset = UNSET


Properties = dict[Name, PropertySchema]


@table("metadef_namespaces", Unique("namespace"))
class NamespaceRow(Row, frozen=True):
    id: Annotated[str, Key()]
    namespace: str
    """Its name, say `OS::Compute::Quota`: one in the whole cloud, whoever sees it."""
    display_name: str | None
    description: str | None
    visibility: Visibility
    protected: bool
    """Neither it nor what it holds can be deleted."""
    owner: str | None
    created_at: Annotated[Moment, Index()]
    updated_at: Moment


@table("metadef_properties")
class PropertyRow(Row, frozen=True):
    namespace_id: Annotated[str, Key(), References("metadef_namespaces.id", on_delete="CASCADE")]
    name: Annotated[str, Key()]
    schema: PropertySchema
    """Without the name"""
    created_at: Moment
    updated_at: Moment


@table("metadef_objects")
class ObjectRow(Row, frozen=True):
    """A group of properties that belong together."""

    namespace_id: Annotated[str, Key(), References("metadef_namespaces.id", on_delete="CASCADE")]
    name: Annotated[str, Key()]
    description: str | None
    required: list[str]
    properties: Properties
    created_at: Moment
    updated_at: Moment


@table("metadef_tags")
class TagRow(Row, frozen=True):
    namespace_id: Annotated[str, Key(), References("metadef_namespaces.id", on_delete="CASCADE")]
    name: Annotated[str, Key()]
    created_at: Moment
    updated_at: Moment


@table("metadef_resource_types")
class ResourceTypeRow(Row, frozen=True):
    """A kind of resource, in orchestration's words: `OS::Nova::Flavor`."""

    name: Annotated[str, Key()]
    created_at: Moment
    updated_at: Moment


@table("metadef_associations")
class AssociationRow(Row, frozen=True):
    """A namespace is meant for a resource type."""

    namespace_id: Annotated[str, Key(), References("metadef_namespaces.id", on_delete="CASCADE")]
    name: Annotated[str, Key(), Index(), References("metadef_resource_types.name")]
    """The resource type"""
    prefix: str | None
    """Stands before the names of properties when they are set on this type: `hw:`."""
    properties_target: str | None
    """Which of the type's properties: a volume has its own and those of its `image`."""
    created_at: Moment
    updated_at: Moment


@table("metadef_catalogue")
class CatalogueRow(Row, frozen=True):
    """A namespace of the shipped catalogue that was loaded once: what an operator changes or
    deletes afterwards stays as it is."""

    name: Annotated[str, Key()]
    """Of its file, without the ending"""
    loaded_at: Moment


class TagWish(StrictBody):
    name: Name


class TagsWish(StrictBody):
    tags: list[TagWish]


class ReadOnly(StrictBody, kw_only=True):
    """What clients may read and never send."""

    created_at: Any = UNSET
    updated_at: Any = UNSET


class Linked(ReadOnly, kw_only=True):
    self_: Any = msgspec.field(default=UNSET, name="self")
    schema: Any = UNSET


class NewTag(ReadOnly, kw_only=True):
    name: Name


class AssociationWish(ReadOnly, kw_only=True):
    name: Name
    prefix: Text80 | Unset = UNSET
    properties_target: Text80 | Unset = UNSET


class ObjectWish(Linked, kw_only=True):
    name: Name
    description: str | Unset = UNSET
    required: list[str] | Unset = UNSET
    properties: Properties | Unset = UNSET


class PropertyWish(PropertySchema, kw_only=True):
    """A property by itself, which has a name."""

    created_at: Any = UNSET
    updated_at: Any = UNSET


class NamespaceWish(Linked, kw_only=True):
    namespace: NamespaceName
    display_name: Text80 | Unset = UNSET
    description: Annotated[str, msgspec.Meta(max_length=500)] | Unset = UNSET
    visibility: Visibility | Unset = UNSET
    protected: bool | Unset = UNSET
    owner: Annotated[str, msgspec.Meta(max_length=255)] | Unset = UNSET
    resource_type_associations: list[AssociationWish] | Unset = UNSET
    properties: Properties | Unset = UNSET
    objects: list[ObjectWish] | Unset = UNSET
    tags: list[TagWish] | Unset = UNSET
