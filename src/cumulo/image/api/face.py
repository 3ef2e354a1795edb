"""Image's whole HTTP face."""

from cumulo.core.auth.policy import Rules
from cumulo.core.db.transaction import Database
from cumulo.core.http import faults
from cumulo.core.http.operations import Face
from cumulo.image.api import metadef_schemas, schemas
from cumulo.image.api.contents import ContentsApi
from cumulo.image.api.discovery import DiscoveryApi
from cumulo.image.api.files import FilesApi
from cumulo.image.api.images import ImagesApi
from cumulo.image.api.imports import ImportsApi
from cumulo.image.api.locations import LocationsApi
from cumulo.image.api.members import MembersApi
from cumulo.image.api.metadef_namespaces import MetadefNamespacesApi
from cumulo.image.api.metadef_objects import MetadefObjectsApi
from cumulo.image.api.metadef_properties import MetadefPropertiesApi
from cumulo.image.api.metadef_resource_types import MetadefResourceTypesApi
from cumulo.image.api.metadef_tags import MetadefTagsApi
from cumulo.image.api.stores import StoresApi
from cumulo.image.policy import RULES
from cumulo.image.service.image import ImageService


def image_face(images: ImageService, database: Database, rules: Rules | None = None) -> Face:
    return Face(
        name="image",
        exact_paths=True,
        mount="/image",
        faults=faults.image,
        json_faults=faults.image_json,
        rules=rules or Rules(RULES),
        quota_status=413,
        answers="cumulo.image.api.answers",
        operations=[
            *DiscoveryApi(images).operations(),
            *schemas.operations(),
            *ImagesApi(images).operations(),
            *FilesApi(images, database).operations(),
            *MembersApi(images).operations(),
            *ImportsApi(images).operations(),
            *LocationsApi(images).operations(),
            *StoresApi(images, database).operations(),
            *ContentsApi(images).operations(),
            *metadef_schemas.operations(),
            *MetadefNamespacesApi(images.metadefs).operations(),
            *MetadefObjectsApi(images.metadefs).operations(),
            *MetadefPropertiesApi(images.metadefs).operations(),
            *MetadefTagsApi(images.metadefs).operations(),
            *MetadefResourceTypesApi(images.metadefs).operations(),
        ],
    )
