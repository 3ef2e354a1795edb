"""Image's rules: Glance's names, and its defaults in substance."""

_MEMBER = "role:admin or (role:member and project_id:%(project_id)s)"
_SEEN = (
    "(project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s"
    " or 'public':%(visibility)s or 'shared':%(visibility)s)"
)
_SHARING = "(project_id:%(project_id)s or project_id:%(member_id)s)"

RULES: dict[str, str] = {
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
}
