"""Access lists of containers (`X-Container-Read`, `X-Container-Write`): Swift's language.

.r:*  .r:.example.com  .r:-thief.example.com   by a request's Referer, the last match counts
.rlistings                                     those may list, too
PROJECT:USER  PROJECT:*  *:USER  *:*           by ids; by names in the default domain
ROLE                                           a role in the container's own project
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from cumulo.object_store.model.faults import BadInput

REFERRERS = (".r", ".ref", ".referer", ".referrer")
LISTINGS = ".rlistings"
MAX_LENGTH = 8192


def cleaned(header: str, value: str) -> str:
    """A list in its shortest form. Raises BadInput."""
    if len(value) > MAX_LENGTH:
        raise BadInput(f"{header} is longer than {MAX_LENGTH}")
    kept = []
    for part in value.split(","):
        item = part.strip()
        first, mark, second = (each.strip() for each in item.partition(":"))
        if not item:
            continue
        if not mark or not first.startswith("."):
            kept.append(item)
        elif first in REFERRERS:
            kept.append(_referrer(header, item, second))
        else:
            raise BadInput(f"Unknown designator {first!r} in ACL: {item!r}")
    return ",".join(kept)


def _referrer(header: str, item: str, host: str) -> str:
    if "write" in header.lower():
        raise BadInput(f"Referrers not allowed in write ACL: {item!r}")
    negative = host.startswith("-")
    host = host.removeprefix("-").strip()
    if host.startswith("*") and host != "*":
        host = host[1:].strip()
    if host in ("", "."):
        raise BadInput(f"No host/domain value after referrer designation in ACL: {item!r}")
    return f".r:{'-' if negative else ''}{host}"


def items(acl: str) -> list[str]:
    return [item for item in acl.split(",") if item]


def referrer_allows(acl: str, referer: str) -> bool:
    """By the Referer of a request (which may be empty: `.r:*` takes that, too)."""
    rules = [item[3:] for item in items(acl) if item.startswith(".r:")]
    if not rules:
        return False
    try:
        host = urlsplit(referer).hostname or "unknown"
    except ValueError:
        host = "unknown"
    allowed = False
    for rule in rules:
        name = rule.removeprefix("-")
        hit = name == "*" or name == host or (name.startswith(".") and host.endswith(name))
        if hit:
            allowed = not rule.startswith("-")
    return allowed


def names(acl: str, projects: Collection[str], users: Collection[str]) -> bool:
    """Does it name one of these users of one of these projects, by `PROJECT:USER`?"""
    for item in items(acl):
        project, mark, user = item.partition(":")
        if not mark or item.startswith("."):
            continue
        if (project == "*" or project in projects) and (user == "*" or user in users):
            return True
    return False


def roles(acl: str) -> set[str]:
    """The role names in it, in lower case."""
    return {item.lower() for item in items(acl) if ":" not in item and not item.startswith(".")}


def is_public(text: str) -> bool:
    """Does it name everybody, or whoever says that they come from somewhere?"""
    return any(item == "*:*" or item.startswith((".r:", ".ref")) for item in items(text))
