"""Rules of credentials, the EC2 ones among them."""

from cumulo.identity.policy.parts import ADMIN, READ, crud

_OWNER = "user_id:%(target.credential.user_id)s"
# EC2 keys act on a project: a token for a domain is not asked about them.
_NO_DOMAIN = "domain_id:None"
_EC2_OWNER = f"({ADMIN} or (role:member and {_OWNER})) and {_NO_DOMAIN}"

RULES = {
    **crud("credential", read=f"{READ} or {_OWNER}", write=f"{ADMIN} or {_OWNER}"),
    "identity:ec2_get_credential": f"({READ} or {_OWNER}) and {_NO_DOMAIN}",
    "identity:ec2_list_credentials": f"({READ} or rule:owner) and {_NO_DOMAIN}",
    "identity:ec2_create_credential": _EC2_OWNER,
    "identity:ec2_delete_credential": _EC2_OWNER,
}
