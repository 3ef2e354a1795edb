"""Access lists of S3 (ACLs): by their names, by headers, and as documents."""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3.asked import Asked
from cumulo.object_store.api.s3.documents import (
    children,
    document,
    element,
    name_of,
    parsed,
    text,
    value_of,
)
from cumulo.object_store.api.s3.lists import Read, owner
from cumulo.object_store.api.s3.settings import kept_in
from cumulo.object_store.model import acl as swift_lists
from cumulo.object_store.model import grants
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, Denied, NoSuchObject
from cumulo.object_store.model.grants import Grant
from cumulo.object_store.service.access import ACL, ENFORCED, OBJECT_ACL, PUBLIC, granted
from cumulo.object_store.service.containers import ContainerWishes
from cumulo.object_store.service.object_store import ObjectStoreService

_HEADERS: Mapping[str, str] = {
    "x-amz-grant-read": "READ",
    "x-amz-grant-write": "WRITE",
    "x-amz-grant-read-acp": "READ_ACP",
    "x-amz-grant-write-acp": "WRITE_ACP",
    "x-amz-grant-full-control": "FULL_CONTROL",
}


def by_headers(asked: Asked) -> list[Grant] | None:
    """What a request's headers grant; None where they say nothing. Raises BadInput."""
    name = asked.headers.get("x-amz-acl")
    named = [(each, _HEADERS[each]) for each in _HEADERS if each in asked.headers]
    if name is not None and named:
        raise BadInput("Specifying both Canned ACLs and Header Grants is not allowed")
    if name is not None:
        return grants.by_name(name)
    if not named:
        return None
    return grants.checked(
        (grantee, permission)
        for header, permission in named
        for grantee in grants.of_header(asked.headers[header])
    )


def of_document(raw: bytes) -> list[Grant]:
    """What a document grants. Raises BadInput."""
    malformed = BadInput(
        "The XML you provided was not well-formed or did not validate against our published schema",
        kind="MalformedACLError",
    )
    node = parsed(raw)
    if node is None or name_of(node) != "AccessControlPolicy":
        raise malformed
    lists = list(children(node, "AccessControlList"))
    if len(lists) != 1:
        raise malformed
    found = []
    for each in children(lists[0], "Grant"):
        who, permission = list(children(each, "Grantee")), value_of(each, "Permission")
        if len(who) != 1 or permission is None:
            raise malformed
        found.append((_grantee(who[0]), permission))
    return grants.checked(found)


def _grantee(node: Element) -> str:
    uri, id = value_of(node, "URI"), value_of(node, "ID")
    known = {each: name for name, each in grants.URIS.items()}
    if uri is not None:
        if uri not in known:
            raise BadInput("Invalid group uri", kind="InvalidArgument")
        return known[uri]
    if id is None:
        kind = "UnresolvableGrantByEmailAddress"
        raise BadInput("Grantees are named by their ids.", kind=kind)
    return id


def shown(asked: Asked, kept: Iterable[Grant]) -> Reply:
    """With the owner, who may everything and needs no grant for it."""

    def grantee(kind: str, inner: str) -> str:
        schema = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        return f'<Grantee {schema} xsi:type="{kind}">{inner}</Grantee>'

    own = owner(asked, "x").removeprefix("<x>").removesuffix("</x>")
    lines = [element("Grant", grantee("CanonicalUser", own), element("Permission", "FULL_CONTROL"))]
    for who, permission in kept:
        if f"<ID>{who}</ID>" in own:
            continue
        if who in grants.URIS:
            said = grantee("Group", element("URI", grants.URIS[who]))
        else:
            said = grantee("CanonicalUser", text("ID", who) + text("DisplayName", who))
        lines.append(element("Grant", said, element("Permission", permission)))
    return document("AccessControlPolicy", owner(asked), element("AccessControlList", *lines))


def check_kept(row: ContainerRow | None, wanted: Iterable[Grant]) -> None:
    """Does the bucket take such a list? Raises BadInput, Denied."""
    wanted = list(wanted)
    if row is None or not wanted:
        return
    if kept_in(row, "ownershipControls") == ENFORCED:
        raise BadInput("The bucket does not allow ACLs", kind="AccessControlListNotSupported")
    blocks = row.options.get(PUBLIC, {}).get("BlockPublicAcls")
    if blocks and grants.is_public(wanted):
        raise Denied()


def wishes_of(given: list[Grant] | None) -> ContainerWishes:
    """A bucket's list as its container keeps it."""
    if given is None:
        return ContainerWishes()
    read, write = grants.lists(given)
    kept = [list(each) for each in given] or None
    return ContainerWishes(read_acl=read, write_acl=write, options={ACL: kept})


def grants_of(row: ContainerRow) -> list[Grant]:
    """A bucket's list: as it was set, unless Swift's face has changed it since."""
    kept = granted(row)
    if kept:
        return kept
    found: list[Grant] = []
    for text_, permission in ((row.read_acl, "READ"), (row.write_acl, "WRITE")):
        for item in swift_lists.items(text_):
            project, mark, user = item.partition(":")
            if item == ".r:*":
                found.append((grants.ALL, permission))
            elif item == "*:*":
                found.append((grants.AUTHENTICATED, permission))
            elif mark and not item.startswith("."):
                found.append((project if project != "*" else user, permission))
    return list(dict.fromkeys(found))


def for_object(asked: Asked, row: ContainerRow) -> list[list[str]]:
    """What a written object's headers grant, as it is kept; empty for nothing. Raises Denied for
    who may write and not say who reads."""
    given = by_headers(asked) or []
    check_kept(row, given)
    if given:
        asked.access.check_acl(row, asked.key, None, writing=True, action="s3:PutObjectAcl")
    return [list(each) for each in given]


class AclsApi:
    def __init__(self, store: ObjectStoreService, read: Read) -> None:
        self._store = store
        self._read = read

    async def bucket(self, call: Call) -> Reply:
        asked = self._read(call)

        def look(tx: Tx) -> ContainerRow:
            row = self._store.containers.get(tx, asked.access.account, asked.bucket)
            self._check(asked, row, granted(row), writing=False)
            return row

        return shown(asked, grants_of(await self._store.database.read(look)))

    async def put_bucket(self, call: Call) -> Reply:
        asked = self._read(call)
        given = await self._given(asked)

        def work(tx: Tx) -> None:
            row = self._store.containers.get(tx, asked.access.account, asked.bucket)
            self._check(asked, row, granted(row), writing=True)
            check_kept(row, given)
            self._store.containers.change(tx, row, wishes_of(given))

        await self._store.write(work, name="object container post")
        return Reply(200, raw=b"")

    async def object(self, call: Call) -> Reply:
        asked = self._read(call)

        version = asked.query.get("versionId")

        def look(tx: Tx) -> list[Grant]:
            row = self._store.containers.get(tx, asked.access.account, asked.bucket)
            found = self._store.objects.version(tx, row, asked.key, version)
            kept = None if found is None else found.extra.get(OBJECT_ACL)
            self._check(asked, row, kept, writing=False)
            if found is None:
                raise NoSuchObject(kind=None if version is None else "NoSuchVersion")
            return [(who, what) for who, what in kept or ()]

        return shown(asked, await self._store.database.read(look))

    async def put_object(self, call: Call) -> Reply:
        asked = self._read(call)
        given = await self._given(asked)

        def allow(row: ContainerRow, extra: dict[str, Any]) -> None:
            self._check(asked, row, extra.get(OBJECT_ACL), writing=True)
            check_kept(row, given)

        def change(extra: dict[str, Any]) -> dict[str, Any]:
            rest = {name: value for name, value in extra.items() if name != OBJECT_ACL}
            return {**rest, OBJECT_ACL: [list(each) for each in given]} if given else rest

        def work(tx: Tx) -> None:
            self._store.objects.change_extra(
                *(tx, asked.access, asked.bucket, asked.key, change),
                asked.query.get("versionId"),
                allow=allow,
            )

        await self._store.write(work, name="object acl")
        return Reply(200, raw=b"")

    async def _given(self, asked: Asked) -> list[Grant]:
        found = by_headers(asked)
        raw = await asked.body().whole() if "content-length" in asked.headers else b""
        if found is not None and raw:
            raise BadInput("This request does not support content", kind="UnexpectedContent")
        return of_document(raw) if found is None else found

    def _check(self, asked: Asked, row: ContainerRow, kept: Any, *, writing: bool) -> None:
        asked.access.check_acl(row, asked.key, kept, writing=writing, action=asked.access.action)
