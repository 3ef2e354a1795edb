"""Settings of buckets that are kept: tags, lifecycle rules, Object Lock, other sites (CORS).

Each is read from S3's document into plain data, kept in the container's options, and written again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

import msgspec

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
from cumulo.object_store.api.s3.lists import Read
from cumulo.object_store.model import lock
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, Changed, NotImplementedYet
from cumulo.object_store.model.lifecycle import RULES, Rule
from cumulo.object_store.model.version import ENABLED, state_of
from cumulo.object_store.service.containers import ContainerWishes
from cumulo.object_store.service.object_store import ObjectStoreService

TAGS = 50
CORS_RULES = 100
METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
DAYS = 36_500


def malformed(message: str = "") -> BadInput:
    words = message or (
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
    return BadInput(words, kind="MalformedXML")


def _whole(node: Element, name: str, *, least: int = 1) -> int | None:
    given = value_of(node, name)
    if given is None:
        return None
    if not given.isdecimal() or len(given) > 12 or int(given) < least:
        raise BadInput(f"'{name}' must be a positive integer", kind="InvalidArgument")
    return int(given)


def _pairs(node: Element) -> dict[str, str]:
    found = {}
    for tag in children(node, "Tag"):
        key = value_of(tag, "Key")
        if not key or len(key) > 128 or key in found:
            raise BadInput("The TagKey you have provided is invalid", kind="InvalidTag")
        found[key] = value_of(tag, "Value") or ""
        if len(found[key]) > 256:
            raise BadInput("The TagValue you have provided is invalid", kind="InvalidTag")
    return found


def _tags_text(tags: Mapping[str, str]) -> str:
    return "".join(element("Tag", text("Key", k), text("Value", v)) for k, v in tags.items())


# tags


def read_tags(node: Element) -> dict[str, str]:
    sets = list(children(node, "TagSet"))
    if name_of(node) != "Tagging" or len(sets) != 1:
        raise malformed()
    found = _pairs(sets[0])
    if len(found) > TAGS:
        raise BadInput(f"Bucket tag count cannot be greater than {TAGS}", kind="InvalidTag")
    return found


def tags_document(kept: Mapping[str, str]) -> Reply:
    return document("Tagging", f"<TagSet>{_tags_text(kept)}</TagSet>")


# lifecycle


def read_lifecycle(node: Element) -> list[dict[str, Any]]:
    if name_of(node) != "LifecycleConfiguration":
        raise malformed()
    rules = [_rule(each, number) for number, each in enumerate(children(node, "Rule"), 1)]
    if not rules or len(rules) > RULES:
        raise malformed()
    ids = [rule.id for rule in rules]
    if len(set(ids)) != len(ids):
        raise BadInput("Rule ID must be unique.", kind="InvalidArgument")
    found: list[dict[str, Any]] = msgspec.to_builtins(rules)
    return found


def _rule(node: Element, number: int) -> Rule:
    for name in ("Transition", "NoncurrentVersionTransition"):
        if any(True for _ in children(node, name)):
            raise NotImplementedYet("There is one storage class: nothing moves to another.")
    status = value_of(node, "Status")
    if status not in ("Enabled", "Disabled"):
        raise malformed()
    id = value_of(node, "ID") or f"rule-{number}"
    if len(id) > 255:
        raise BadInput("ID length should not exceed allowed limit of 255", kind="InvalidArgument")
    rule = Rule(id, status == "Enabled")
    _filter(node, rule)
    for each in children(node, "Expiration"):
        rule.days, given = _whole(each, "Days"), value_of(each, "Date")
        rule.date = None if given is None else _midnight(given)
        rule.markers = value_of(each, "ExpiredObjectDeleteMarker") == "true"
        if sum(x not in (None, False) for x in (rule.days, rule.date, rule.markers)) != 1:
            raise malformed()
    for each in children(node, "NoncurrentVersionExpiration"):
        rule.older_days = _whole(each, "NoncurrentDays")
        rule.older_kept = _whole(each, "NewerNoncurrentVersions") or 0
        if rule.older_days is None:
            raise malformed()
    for each in children(node, "AbortIncompleteMultipartUpload"):
        rule.uploads_days = _whole(each, "DaysAfterInitiation")
    actions = (rule.days, rule.date, rule.markers or None, rule.older_days, rule.uploads_days)
    if all(action is None for action in actions):
        raise malformed("At least one action needs to be specified in a rule")
    return rule


def _filter(node: Element, rule: Rule) -> None:
    filters = list(children(node, "Filter"))
    rule.filtered = bool(filters)
    prefix = value_of(node, "Prefix")
    if len(filters) > 1 or (filters and prefix is not None):
        raise malformed()
    where = filters[0] if filters else node
    for both in children(where, "And"):
        where = both
    rule.prefix = (prefix if prefix is not None else value_of(where, "Prefix")) or ""
    rule.tags = _pairs(where)
    rule.larger = _whole(where, "ObjectSizeGreaterThan", least=0)
    rule.smaller = _whole(where, "ObjectSizeLessThan")


def _midnight(given: str) -> int:
    found = lock.seconds(given)
    if found % lock.DAY:
        raise BadInput("'Date' must be at midnight GMT", kind="InvalidArgument")
    return found


def lifecycle_document(kept: list[dict[str, Any]]) -> Reply:
    rules = msgspec.convert(kept, list[Rule])
    return document("LifecycleConfiguration", *(_rule_text(rule) for rule in rules))


def _rule_text(rule: Rule) -> str:
    parts = [text("ID", rule.id), *_filter_text(rule)]
    parts.append(element("Status", "Enabled" if rule.enabled else "Disabled"))
    if rule.days is not None:
        parts.append(element("Expiration", element("Days", rule.days)))
    if rule.date is not None:
        parts.append(element("Expiration", element("Date", lock.date(rule.date))))
    if rule.markers:
        parts.append(element("Expiration", element("ExpiredObjectDeleteMarker", "true")))
    if rule.older_days is not None:
        kept = [element("NewerNoncurrentVersions", rule.older_kept)] if rule.older_kept else []
        days = element("NoncurrentDays", rule.older_days)
        parts.append(element("NoncurrentVersionExpiration", days, *kept))
    if rule.uploads_days is not None:
        days = element("DaysAfterInitiation", rule.uploads_days)
        parts.append(element("AbortIncompleteMultipartUpload", days))
    return element("Rule", *parts)


def _filter_text(rule: Rule) -> Iterator[str]:
    if not rule.filtered:
        yield text("Prefix", rule.prefix)
        return
    parts = [text("Prefix", rule.prefix)] if rule.prefix else []
    if rule.tags:
        parts.append(_tags_text(rule.tags))
    if rule.larger is not None:
        parts.append(element("ObjectSizeGreaterThan", rule.larger))
    if rule.smaller is not None:
        parts.append(element("ObjectSizeLessThan", rule.smaller))
    several = len(parts) > 1 or len(rule.tags) > 1
    inner = "".join(parts) or "<Prefix></Prefix>"
    yield f"<Filter>{f'<And>{inner}</And>' if several else inner}</Filter>"


# other sites


def read_cors(node: Element) -> list[dict[str, Any]]:
    if name_of(node) != "CORSConfiguration":
        raise malformed()
    rules = [_cors_rule(each) for each in children(node, "CORSRule")]
    if not rules or len(rules) > CORS_RULES:
        raise malformed()
    return rules


def _cors_rule(node: Element) -> dict[str, Any]:
    def all_of(name: str) -> list[str]:
        return [each.text or "" for each in children(node, name)]

    origins, methods = all_of("AllowedOrigin"), all_of("AllowedMethod")
    if not origins or not methods:
        raise malformed()
    for method in methods:
        if method not in METHODS:
            raise BadInput(
                f"Found unsupported HTTP method in CORS config. Unsupported method is {method:.20}",
                kind="InvalidRequest",
            )
    headers = all_of("AllowedHeader")
    if any(each.count("*") > 1 for each in (*origins, *headers)):
        raise BadInput("AllowedOrigin can not have more than one wildcard.", kind="InvalidRequest")
    return {
        "id": value_of(node, "ID") or "",
        "origins": origins,
        "methods": methods,
        "headers": headers,
        "expose": all_of("ExposeHeader"),
        "age": _whole(node, "MaxAgeSeconds", least=0),
    }


def cors_document(kept: list[dict[str, Any]]) -> Reply:
    rules = []
    for each in kept:
        parts = [text("ID", each["id"])] if each["id"] else []
        for name, key in (
            ("AllowedOrigin", "origins"),
            ("AllowedMethod", "methods"),
            ("AllowedHeader", "headers"),
            ("ExposeHeader", "expose"),
        ):
            parts += [text(name, value) for value in each[key]]
        if each["age"] is not None:
            parts.append(element("MaxAgeSeconds", each["age"]))
        rules.append(element("CORSRule", *parts))
    return document("CORSConfiguration", *rules)


# Object Lock


def read_lock(node: Element) -> dict[str, Any]:
    if name_of(node) != "ObjectLockConfiguration":
        raise malformed()
    if value_of(node, "ObjectLockEnabled") != "Enabled":
        raise malformed()
    found: dict[str, Any] = {}
    for rule in children(node, "Rule"):
        for kept in children(rule, "DefaultRetention"):
            mode, days, years = (value_of(kept, n) for n in ("Mode", "Days", "Years"))
            if mode not in lock.MODES or (days is None) == (years is None):
                raise malformed()
            count = _whole(kept, "Days") if days is not None else _whole(kept, "Years")
            total = (count or 0) * (1 if days is not None else 365)
            if total > DAYS:
                raise BadInput("Default retention period is too large", kind="InvalidArgument")
            unit = "days" if days is not None else "years"
            found = {"mode": mode, "days": total, "unit": unit, "count": count}
    return found


def lock_document(kept: Mapping[str, Any]) -> Reply:
    rule = ""
    if kept:
        unit = "Days" if kept["unit"] == "days" else "Years"
        inner = element("Mode", kept["mode"]), element(unit, kept["count"])
        rule = element("Rule", element("DefaultRetention", *inner))
    return document("ObjectLockConfiguration", element("ObjectLockEnabled", "Enabled"), rule)


# what is public of it, and whose its objects are

OWNERSHIP = ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def read_blocks(node: Element) -> dict[str, bool]:
    if name_of(node) != "PublicAccessBlockConfiguration":
        raise malformed()
    given = {name: value_of(node, name) for name in BLOCKS}
    if any(value not in (None, "true", "false", "TRUE", "FALSE") for value in given.values()):
        raise malformed()
    return {name: (value or "").lower() == "true" for name, value in given.items()}


def blocks_document(kept: Mapping[str, bool]) -> Reply:
    said = (element(name, "true" if kept.get(name) else "false") for name in BLOCKS)
    return document("PublicAccessBlockConfiguration", *said)


def read_ownership(node: Element) -> str:
    rules = list(children(node, "Rule"))
    found = value_of(rules[0], "ObjectOwnership") if len(rules) == 1 else None
    if name_of(node) != "OwnershipControls" or found not in OWNERSHIP:
        raise malformed()
    return found


def ownership_document(kept: str) -> Reply:
    return document("OwnershipControls", element("Rule", element("ObjectOwnership", kept)))


# encryption at rest


def read_encryption(node: Element) -> str:
    """Raises NotImplementedYet for other keys than the cloud's own."""
    rules = list(children(node, "Rule"))
    if name_of(node) != "ServerSideEncryptionConfiguration" or len(rules) != 1:
        raise malformed()
    for each in children(rules[0], "ApplyServerSideEncryptionByDefault"):
        if value_of(each, "SSEAlgorithm") == "AES256":
            return "AES256"
        raise NotImplementedYet("Objects are encrypted by the cloud's own key, or not at all.")
    raise malformed()


def encryption_document(kept: str) -> Reply:
    by_default = element("ApplyServerSideEncryptionByDefault", element("SSEAlgorithm", kept))
    rule = element("Rule", by_default, element("BucketKeyEnabled", "false"))
    return document("ServerSideEncryptionConfiguration", rule)


KEPT: Mapping[str, tuple[Callable[[Element], Any], Callable[[Any], Reply]]] = {
    "tagging": (read_tags, tags_document),
    "lifecycle": (read_lifecycle, lifecycle_document),
    "cors": (read_cors, cors_document),
    "object-lock": (read_lock, lock_document),
    "encryption": (read_encryption, encryption_document),
    "publicAccessBlock": (read_blocks, blocks_document),
    "ownershipControls": (read_ownership, ownership_document),
}


def option(name: str) -> str:
    return f"s3-{name}"


def kept_in(row: ContainerRow, name: str) -> Any:
    """None: it is not set."""
    return row.options.get(option(name))


class SettingsApi:
    """PUT and DELETE of them; a GET is `BucketsApi.setting`."""

    def __init__(self, store: ObjectStoreService, read: Read) -> None:
        self._store = store
        self._read = read

    async def put(self, call: Call) -> Reply:
        asked, name = self._read(call), call.operation.query
        node = parsed(await asked.body().whole())
        if node is None:
            raise malformed()
        value = KEPT[name][0](node)
        if name == "encryption" and not self._store.bytes.ciphers.on:
            raise NotImplementedYet("This cloud keeps objects as they are.")
        await self._write(asked, name, value)
        return Reply(200, raw=b"")

    async def delete(self, call: Call) -> Reply:
        asked, name = self._read(call), call.operation.query
        await self._write(asked, name, None)
        return Reply(204)

    async def _write(self, asked: Asked, name: str, value: Any) -> None:
        def work(tx: Tx) -> None:
            row = self._store.containers.get(tx, asked.access.account, asked.bucket)
            if name == "object-lock" and state_of(row) != ENABLED:
                raise Changed(
                    "Versioning must be 'Enabled' on the bucket to apply a Object Lock "
                    "configuration",
                    kind="InvalidBucketState",
                )
            wishes = ContainerWishes(options={option(name): value})
            self._store.containers.post(tx, asked.access, asked.bucket, wishes)

        await self._store.write(work, name="object container post")
