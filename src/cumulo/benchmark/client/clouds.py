"""Where the credentials come from: a file clouds.yaml, the shell's OS_ variables, or a Rally spec.

A Rally spec is `{"openstack": {"auth_url": …, "admin": {…}, "users": [{…}]}}` (the platform may be
named `existing@openstack`); ours has the same form, whatever it came from.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cumulo.benchmark.client.http import Http
from cumulo.benchmark.client.session import KINDS, Credentials, other_types
from cumulo.benchmark.model import document
from cumulo.benchmark.model.shapes import Schema, problems


class BadSpec(Exception):
    """No cloud can be reached with this; the text says why."""


_TEXT: Schema = {"type": ["string", "null"]}
_USER: Schema = {
    "type": "object",
    "properties": dict.fromkeys(
        (
            "username",
            "password",
            "project_name",
            "tenant_name",
            "project_id",
            "user_domain_name",
            "project_domain_name",
            "endpoint_type",
            "application_credential_id",
            "application_credential_secret",
        ),
        _TEXT,
    ),
}
_API_INFO: Schema = {
    "type": "object",
    "properties": {
        name: {
            "type": "object",
            "properties": {"service_type": _TEXT, "version": {"type": ["string", "number"]}},
        }
        for name in KINDS
    },
    "additionalProperties": False,
}
PLATFORM: Schema = {
    "type": "object",
    "properties": {
        "auth_url": {"type": "string"},
        "region_name": _TEXT,
        "endpoint_type": _TEXT,
        "https_cacert": _TEXT,
        "https_insecure": {"type": ["boolean", "null"]},
        "https_cert": _TEXT,
        "https_key": _TEXT,
        "api_info": {"anyOf": [_API_INFO, {"type": "null"}]},
        "admin": {"anyOf": [_USER, {"type": "null"}]},
        "users": {"anyOf": [{"type": "array", "items": _USER}, {"type": "null"}]},
    },
    "required": ["auth_url"],
}
"""What a platform must look like. More may be in it: specs of Rally have older parts."""


def check_platform(platform: Mapping[str, Any]) -> None:
    """Raises BadSpec."""
    for problem in problems(dict(platform), PLATFORM):
        raise BadSpec(problem)


def clouds_files() -> list[Path]:
    """Where clients look for clouds.yaml, first found wins."""
    return _files("clouds", "OS_CLIENT_CONFIG_FILE")


def _files(name: str, variable: str) -> list[Path]:
    named = os.environ.get(variable)
    if named:
        return [Path(named)]
    config = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    folders = [Path(), config / "openstack", Path("/etc/openstack")]
    return [f / f"{name}.{end}" for f in folders for end in ("yaml", "yml")]


def spec_of_cloud(
    name: str, files: list[Path] | None = None, *, region: str = ""
) -> dict[str, Any]:
    """The spec of an entry of clouds.yaml, with what secure.yaml has of it and with its profile
    from clouds-public.yaml: beside it, or where clients look."""
    for path in files if files is not None else clouds_files():
        cloud = _section(path, "clouds").get(name)
        if cloud is None:
            continue
        if not isinstance(cloud, dict):
            raise BadSpec(f"the cloud {name!r} in {path} has no parts")
        secrets = _first(_beside(path, "secure", "OS_CLIENT_SECURE_FILE"), "clouds", name)
        whole = _over(cloud, secrets)
        profile = whole.get("profile") or whole.get("cloud")
        if isinstance(profile, str):
            vendor = _beside(path, "clouds-public", "OS_CLIENT_VENDOR_FILE")
            found = _first(vendor, "public-clouds", profile)
            if not found and "auth_url" not in (whole.get("auth") or {}):
                raise BadSpec(f"no clouds-public.yaml has the profile {profile!r} of {name!r}")
            whole = _over(found, whole)
        return _of_cloud(_in_region(whole, name, region), name)
    raise BadSpec(f"no clouds.yaml has a cloud {name!r}")


def _beside(path: Path, name: str, variable: str) -> list[Path]:
    return [*(path.parent / f"{name}.{end}" for end in ("yaml", "yml")), *_files(name, variable)]


def _first(files: list[Path], section: str, name: str) -> dict[str, Any]:
    for path in files:
        found = _section(path, section).get(name)
        if isinstance(found, dict):
            return found
    return {}


def _section(path: Path, section: str) -> dict[str, Any]:
    """A part of a file; empty where there is no file. Raises BadSpec."""
    if not path.is_file():
        return {}
    try:
        found = document.decode(path.read_text()) or {}
    except (document.NotPlain, OSError, ValueError) as error:
        raise BadSpec(f"{path} cannot be read: {error}") from None
    part = (found.get(section) or {}) if isinstance(found, dict) else None
    if not isinstance(part, dict):
        raise BadSpec(f"{path} has no {section!r} by their names")
    return part


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, part by part; what is above wins."""
    made = dict(below)
    for name, value in above.items():
        old = made.get(name)
        both = isinstance(old, dict) and isinstance(value, dict)
        made[name] = _over(old, value) if both and old is not None else value
    return made


def _in_region(cloud: dict[str, Any], name: str, wanted: str) -> dict[str, Any]:
    """With its region chosen: the one that is wanted, that it names, or its first; a region may
    have values of its own."""
    regions = cloud.get("regions") or []
    if not isinstance(regions, list):
        raise BadSpec(f"the regions of the cloud {name!r} are no list")
    known = {
        str(r["name"] if isinstance(r, dict) else r): (r.get("values") or {})
        if isinstance(r, dict)
        else {}
        for r in regions
        if not isinstance(r, dict) or "name" in r
    }
    chosen = wanted or cloud.get("region_name") or next(iter(known), "")
    if known and chosen not in known:
        raise BadSpec(f"the cloud {name!r} has no region {chosen!r}, but: {', '.join(known)}")
    own = known.get(chosen, {})
    return {**_over(cloud, own if isinstance(own, dict) else {}), "region_name": chosen}


def _of_cloud(cloud: Mapping[str, Any], name: str) -> dict[str, Any]:
    auth = (cloud.get("auth") or {}) if isinstance(cloud, dict) else None
    if not isinstance(auth, dict) or "auth_url" not in auth:
        raise BadSpec(f"the cloud {name!r} has no auth_url")
    # A password of digits is a number to YAML.
    auth = {k: str(v) if isinstance(v, int | float) else v for k, v in auth.items()}
    user = {
        "username": auth.get("username", ""),
        "password": auth.get("password", ""),
        "project_name": auth.get("project_name") or auth.get("tenant_name", ""),
        "project_id": auth.get("project_id") or auth.get("tenant_id", ""),
        "user_domain_name": auth.get("user_domain_name") or auth.get("user_domain_id", "Default"),
        "project_domain_name": auth.get("project_domain_name")
        or auth.get("project_domain_id", "Default"),
    }
    for key in ("application_credential_id", "application_credential_secret"):
        if auth.get(key):
            user[key] = auth[key]
    return {
        "openstack": {
            "auth_url": auth["auth_url"],
            "region_name": cloud.get("region_name") or "",
            "endpoint_type": cloud.get("interface") or cloud.get("endpoint_type") or "public",
            "https_insecure": cloud.get("verify", True) is False or cloud.get("insecure") is True,
            "https_cacert": cloud.get("cacert") or "",
            "https_cert": cloud.get("cert") or "",
            "https_key": cloud.get("key") or "",
            "admin": user,
        }
    }


def spec_of_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """The spec of the shell's OS_ variables: OS_CLOUD, or all of them one by one."""
    if variables.get("OS_CLOUD") and not variables.get("OS_AUTH_URL"):
        return spec_of_cloud(variables["OS_CLOUD"], region=variables.get("OS_REGION_NAME", ""))
    if not variables.get("OS_AUTH_URL"):
        raise BadSpec("neither OS_AUTH_URL nor OS_CLOUD is set")
    by = ("OS_USERNAME", "OS_PASSWORD")
    if variables.get("OS_APPLICATION_CREDENTIAL_ID"):
        by = ("OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_SECRET")
    lacking = [n for n in by if not variables.get(n)]
    if lacking:
        raise BadSpec(
            "The following variable(s) are missed: " + ", ".join(repr(n) for n in lacking)
        )
    return {
        "openstack": {
            "auth_url": variables["OS_AUTH_URL"],
            "region_name": variables.get("OS_REGION_NAME", ""),
            "endpoint_type": variables.get("OS_INTERFACE")
            or variables.get("OS_ENDPOINT_TYPE", "public"),
            "https_insecure": variables.get("OS_INSECURE", "").lower() in ("1", "true", "yes"),
            "https_cacert": variables.get("OS_CACERT", ""),
            "https_cert": variables.get("OS_CERT", ""),
            "https_key": variables.get("OS_KEY", ""),
            "admin": {
                "username": variables.get("OS_USERNAME", ""),
                "password": variables.get("OS_PASSWORD", ""),
                "application_credential_id": variables.get("OS_APPLICATION_CREDENTIAL_ID", ""),
                "application_credential_secret": variables.get(
                    "OS_APPLICATION_CREDENTIAL_SECRET", ""
                ),
                "project_name": variables.get("OS_PROJECT_NAME")
                or variables.get("OS_TENANT_NAME", ""),
                "project_id": variables.get("OS_PROJECT_ID") or variables.get("OS_TENANT_ID", ""),
                "user_domain_name": variables.get("OS_USER_DOMAIN_NAME")
                or variables.get("OS_USER_DOMAIN_ID", "Default"),
                "project_domain_name": variables.get("OS_PROJECT_DOMAIN_NAME")
                or variables.get("OS_PROJECT_DOMAIN_ID", "Default"),
            },
        }
    }


def platform_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The OpenStack part of a spec, old and new forms alike. Empty: an environment without one."""
    if spec.get("type") == "ExistingCloud":
        creds = spec.get("creds", {})
        old = (creds.get("openstack") or spec) if isinstance(creds, dict) else None
        if not isinstance(old, dict):
            raise BadSpec("creds is no object")
        return {name: value for name, value in old.items() if name != "type"}
    for name in ("openstack", "existing@openstack"):
        if name in spec:
            if not isinstance(spec[name], dict):
                raise BadSpec(f"{name} is no object")
            return dict(spec[name])
    if spec:
        raise BadSpec(f"no platform of these is known: {', '.join(map(str, spec))}")
    return {}


def credentials_of(platform: Mapping[str, Any], user: Mapping[str, Any]) -> Credentials:
    """One user of a platform."""
    if not platform.get("auth_url"):
        raise BadSpec("'auth_url' is a required property")
    return Credentials(
        auth_url=str(platform["auth_url"]),
        username=user.get("username", ""),
        password=user.get("password", ""),
        user_domain=user.get("user_domain_name") or "Default",
        project=user.get("project_name") or user.get("tenant_name", ""),
        project_domain=user.get("project_domain_name") or "Default",
        project_id=user.get("project_id") or "",
        region=platform.get("region_name") or "",
        interface=user.get("endpoint_type") or platform.get("endpoint_type") or "public",
        application_credential_id=user.get("application_credential_id", ""),
        application_credential_secret=user.get("application_credential_secret", ""),
        types=other_types(
            {
                KINDS[name]: said["service_type"]
                for name, said in (platform.get("api_info") or {}).items()
                if said.get("service_type")
            }
        ),
    )


def http_of(platform: Mapping[str, Any]) -> Http:
    """A client for a platform's servers."""
    own = platform.get("https_cert")
    return Http(
        verify=not platform.get("https_insecure"),
        ca_file=platform.get("https_cacert") or None,
        certificate=(own, platform.get("https_key") or None) if own else None,
    )
