"""The object store's rules: Swift's roles in the rules' words. The target is the account's project.

Access lists of containers are the owners' own, and come on top.
"""

RULES: dict[str, str] = {
    # May everything in every account, and sets their quotas.
    "object_store:resell": "role:ResellerAdmin",
    # May everything in the account.
    "object_store:operate": "(role:admin or role:member) and project_id:%(project_id)s",
    # May read everything in the account.
    "object_store:read": "role:reader and project_id:%(project_id)s",
}
