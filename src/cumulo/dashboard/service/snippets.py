"""How to use the cloud by other ways: files for clients, without secrets."""

import json
import shlex
from collections.abc import Mapping

from cumulo.core.auth.principal import Principal


def files(who: Principal, url: str, region: str) -> Mapping[str, str]:
    """Name → content. Passwords are asked for or left to their owner."""
    auth = f"{url.rstrip('/')}/identity/v3"
    return {
        "clouds.yaml": _clouds(who, auth, region),
        "openrc.sh": _openrc(who, auth, region),
        "provider.tf": _terraform(who, auth, region),
    }


def _clouds(who: Principal, auth: str, region: str) -> str:
    # JSON's strings are YAML's, too: names may hold anything.
    lines = [
        "clouds:",
        "  cumulo:",
        "    auth:",
        f"      auth_url: {json.dumps(auth)}",
        f"      username: {json.dumps(who.user_name)}",
        '      password: ""   # yours',
        f"      project_name: {json.dumps(who.project_name or '')}",
        f"      project_domain_name: {json.dumps(who.project_domain_name or 'Default')}",
        f"      user_domain_name: {json.dumps(who.user_domain_name)}",
        f"    region_name: {json.dumps(region)}",
        "    identity_api_version: 3",
        "    interface: public",
    ]
    return "\n".join(lines) + "\n"


def _openrc(who: Principal, auth: str, region: str) -> str:
    values = {
        "OS_AUTH_URL": auth,
        "OS_USERNAME": who.user_name,
        "OS_PROJECT_ID": who.project_id or "",
        "OS_PROJECT_NAME": who.project_name or "",
        "OS_USER_DOMAIN_NAME": who.user_domain_name,
        "OS_PROJECT_DOMAIN_NAME": who.project_domain_name or "Default",
        "OS_REGION_NAME": region,
        "OS_INTERFACE": "public",
        "OS_IDENTITY_API_VERSION": "3",
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    lines += [
        'printf "Password: "',
        "stty -echo; read -r OS_PASSWORD; stty echo; echo",
        "export OS_PASSWORD",
    ]
    return "\n".join(lines) + "\n"


def _terraform(who: Principal, auth: str, region: str) -> str:
    def text(value: str) -> str:
        # Terraform's strings are JSON's but for its templates.
        return json.dumps(value).replace("${", "$${").replace("%{", "%%{")

    return f"""terraform {{
  required_providers {{
    openstack = {{
      source = "terraform-provider-openstack/openstack"
    }}
  }}
}}

# The password: TF_VAR or OS_PASSWORD, or a clouds.yaml and `cloud = "cumulo"`.
provider "openstack" {{
  auth_url            = {text(auth)}
  user_name           = {text(who.user_name)}
  tenant_name         = {text(who.project_name or "")}
  user_domain_name    = {text(who.user_domain_name)}
  project_domain_name = {text(who.project_domain_name or "Default")}
  region              = {text(region)}
}}
"""
