"""Access lists of S3: who is granted what on a bucket or an object.

A grantee is `all`, `authenticated`, `log`, or the id of a user or of a project. Grants of a bucket
are its container's access lists as far as these have words for them; objects have grants of their
own, beside what their bucket gives.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from cumulo.object_store.model.faults import BadInput

ALL, AUTHENTICATED, LOG = "all", "authenticated", "log"
_GROUPS = "http://acs.amazonaws.com/groups/"
URIS: Mapping[str, str] = {
    ALL: f"{_GROUPS}global/AllUsers",
    AUTHENTICATED: f"{_GROUPS}global/AuthenticatedUsers",
    LOG: f"{_GROUPS}s3/LogDelivery",
}
PERMISSIONS = ("READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL")
MOST = 100
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.@-]{0,63}")

Grant = tuple[str, str]
"""(grantee, permission)"""

CANNED: Mapping[str, tuple[Grant, ...]] = {
    # Whose bucket it is owns what is in it, in any case.
    "private": (),
    "bucket-owner-read": (),
    "bucket-owner-full-control": (),
    "aws-exec-read": (),
    "public-read": ((ALL, "READ"),),
    "public-read-write": ((ALL, "READ"), (ALL, "WRITE")),
    "authenticated-read": ((AUTHENTICATED, "READ"),),
    "log-delivery-write": ((LOG, "WRITE"), (LOG, "READ_ACP")),
}


def by_name(name: str) -> list[Grant]:
    """Raises BadInput."""
    if name not in CANNED:
        raise BadInput("", kind="InvalidArgument")
    return list(CANNED[name])


def checked(grants: Iterable[Grant]) -> list[Grant]:
    """Each once. Raises BadInput."""
    found = list(dict.fromkeys(grants))
    if len(found) > MOST:
        raise BadInput("The ACL has more than 100 grants.", kind="MalformedACLError")
    for grantee, permission in found:
        if permission not in PERMISSIONS:
            raise BadInput("", kind="MalformedACLError")
        if grantee not in URIS and not _ID.fullmatch(grantee):
            raise BadInput("Invalid id", kind="InvalidArgument")
    return found


def of_header(value: str) -> list[str]:
    """The grantees of `x-amz-grant-…`: `id="…", uri="…"`. Raises BadInput."""
    known = {uri: name for name, uri in URIS.items()}
    found = []
    for part in value.split(","):
        kind, mark, given = part.strip().partition("=")
        given = given.strip().strip('"')
        if kind == "uri" and given in known:
            found.append(known[given])
        elif kind == "id" and mark:
            found.append(given)
        elif kind == "emailAddress":
            raise BadInput(
                "Grantees are named by their ids.", kind="UnresolvableGrantByEmailAddress"
            )
        else:
            raise BadInput("Argument format not recognized", kind="InvalidArgument")
    return found


def lists(grants: Iterable[Grant]) -> tuple[str, str]:
    """The container's access lists for reading and writing. Swift's have no word for everybody who
    writes: see `anybody_writes`."""
    read: list[str] = []
    write: list[str] = []
    for grantee, permission in grants:
        if grantee == LOG:
            continue
        names = (f"{grantee}:*", f"*:{grantee}")
        if permission in ("READ", "FULL_CONTROL"):
            read += {ALL: (".r:*", ".rlistings"), AUTHENTICATED: ("*:*",)}.get(grantee, names)
        if permission in ("WRITE", "FULL_CONTROL") and grantee != ALL:
            write += {AUTHENTICATED: ("*:*",)}.get(grantee, names)
    return ",".join(dict.fromkeys(read)), ",".join(dict.fromkeys(write))


def anybody_writes(grants: Iterable[Grant]) -> bool:
    return any(who == ALL and what in ("WRITE", "FULL_CONTROL") for who, what in grants)


def is_public(grants: Iterable[Grant]) -> bool:
    return any(who in (ALL, AUTHENTICATED) for who, _ in grants)


def given(kept: Any, ids: Collection[str], permission: str, *, public: bool = True) -> bool:
    """Do these grants, as they are kept, give it to a caller with these ids? `public`: what is
    said of everybody counts, too."""
    for grantee, what in kept or ():
        if what not in (permission, "FULL_CONTROL"):
            continue
        if grantee in ids and grantee not in URIS:
            return True
        if public and (grantee == ALL or (grantee == AUTHENTICATED and ids)):
            return True
    return False
