"""Image's rules: Glance's names, and its defaults in substance."""

_MEMBER = "role:admin or (role:member and project_id:%(project_id)s)"
_SEEN = (
    "(project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s"
    " or 'public':%(visibility)s or 'shared':%(visibility)s)"
)
_SHARING = "(project_id:%(project_id)s or project_id:%(member_id)s)"
_NAMESPACE_SEEN = (
    "role:admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))"
)

_RULES: dict[str, str] = {
    "default": "",
    "context_is_admin": "role:admin",
    "add_image": "role:admin or (role:member and project_id:%(project_id)s "
    "and project_id:%(owner)s)",
    "delete_image": _MEMBER,
    "get_image": f"role:admin or (role:reader and {_SEEN})",
    "get_images": "role:admin or (role:reader and project_id:%(project_id)s)",
    "modify_image": _MEMBER,
    "publicize_image": "role:admin",
    "communitize_image": _MEMBER,
    "download_image": f"role:admin or (role:member and {_SEEN})",
    "upload_image": _MEMBER,
    "get_member": f"role:admin or (role:reader and {_SHARING})",
    "get_members": f"role:admin or (role:reader and {_SHARING})",
    "add_member": _MEMBER,
    "delete_member": _MEMBER,
    "modify_member": "role:admin or (role:member and project_id:%(member_id)s)",
    "deactivate": _MEMBER,
    "reactivate": _MEMBER,
    "stores_info_detail": "role:admin",
    "get_image_location": "role:admin or (role:reader and project_id:%(project_id)s)",
    "set_image_location": _MEMBER,
    "delete_image_location": "role:admin",
    "add_image_location": "role:service or role:admin or "
    "(role:member and project_id:%(project_id)s)",
    "fetch_image_location": "role:service",
    "copy_image": "role:admin",
    "manage_image_cache": "role:admin",
    "cache_image": "role:admin",
    "cache_list": "role:admin",
    "cache_delete": "role:admin",
    "tasks_api_access": "role:admin",
    "get_task": "rule:default",
    "get_tasks": "rule:default",
    "add_task": "rule:default",
    "modify_task": "rule:default",
    "metadef_default": "",
    "metadef_admin": "role:admin",
    "get_metadef_namespaces": "role:admin or (role:reader and project_id:%(project_id)s)",
    "get_metadef_namespace": _NAMESPACE_SEEN,
    "get_metadef_object": _NAMESPACE_SEEN,
    "get_metadef_objects": _NAMESPACE_SEEN,
    "list_metadef_resource_types": _NAMESPACE_SEEN,
    "get_metadef_resource_type": _NAMESPACE_SEEN,
    "get_metadef_property": _NAMESPACE_SEEN,
    "get_metadef_properties": _NAMESPACE_SEEN,
    "get_metadef_tag": _NAMESPACE_SEEN,
    "get_metadef_tags": _NAMESPACE_SEEN,
    "add_metadef_namespace": "rule:metadef_admin",
    "modify_metadef_namespace": "rule:metadef_admin",
    "delete_metadef_namespace": "rule:metadef_admin",
    "add_metadef_object": "rule:metadef_admin",
    "modify_metadef_object": "rule:metadef_admin",
    "delete_metadef_object": "rule:metadef_admin",
    "add_metadef_resource_type_association": "rule:metadef_admin",
    "remove_metadef_resource_type_association": "rule:metadef_admin",
    "add_metadef_property": "rule:metadef_admin",
    "modify_metadef_property": "rule:metadef_admin",
    "remove_metadef_property": "rule:metadef_admin",
    "add_metadef_tag": "rule:metadef_admin",
    "add_metadef_tags": "rule:metadef_admin",
    "modify_metadef_tag": "rule:metadef_admin",
    "delete_metadef_tag": "rule:metadef_admin",
    "delete_metadef_tags": "rule:metadef_admin",
}

# All of image is for tokens of projects: Glance's rules have the scope type `project` only.
RULES = {
    name: f"({rule}) and not system_scope:all" if rule else rule for name, rule in _RULES.items()
}
