"""Requests made from the OpenAPI document: half right, half wrong, and the same again from a seed.

A body follows its schema, and then a few places in it are spoilt by what no client should send;
paths name what is there, or nothing; queries use the names that the services know. Whatever comes,
the answer is never a 5xx.
"""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cumulo.core.http.openapi import document
from cumulo.core.http.routes import plain_path
from tests.support.cloud import Answer, TestCloud

NAMES = (
    "limit", "offset", "marker", "sort", "sort_key", "sort_dir", "sort_keys", "page_reverse",
    "fields", "name", "id", "status", "changes-since", "changes-before", "start", "end", "detailed",
    "created_at", "updated_at", "minDisk", "minRam", "is_public", "resources", "required",
    "member_of", "in_tree", "group_policy", "tags", "tags-any", "not-tags", "ip", "ip6", "image",
    "flavor", "host", "all_tenants", "project_id", "user_id", "domain_id", "visibility", "owner",
    "member_status", "size_min", "size_max", "tag", "protected", "fixed_ips", "device_id",
    "network_id", "cidr", "name__contains", "enabled", "parent_id", "scope.project.id", "effective",
    "metadata", "bootable", "with_count", "usage", "locked", "deleted", "power_state", "vm_state",
    "reverse", "sort=", "type", "region", "service_id", "interface", "user.id", "role.id",
)  # fmt: skip
TEXTS = (
    "", "x", "\x00", "a\x00b", "é" * 300, "😀", "\ud83d", "\udcff", "a" * 70_000, "-1", "--5",
    "5" * 5000, "\u0663", "NaN", "1e400", "true", "None", "null", "../../etc/passwd", "%00", "{0}",
    "%s%s%n", "'; --", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-00-00",
    "9999-12-31T23:59:59.999999Z", "gt:0001-01-01T00:00:00+23:59", "in:" + "a," * 500,
    "2026-13-45T99:99:99Z", "(" * 3000, "(a+)+$", "VCPU:" + "9" * 5000, "VCPU:1", "10.0.0.0/99",
    "::/0", "fe80::1%eth0", "ff:ff:ff:ff:ff:ff", ",".join(["name:asc"] * 2500), "a=b",
    "http://[::1", "http://x:99999999/", "-----BEGIN CERTIFICATE-----", "\u202e\u2028", "default",
    "admin", "__class__", "$ref",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2**31, 2**31 - 1, 2**53, 2**63, 2**63 - 1, -(2**63), 2**64, 2**70, 10**400, 1.5, -0.0,
    1e308, 1e-320,
)  # fmt: skip


TEXTS_OF_BODIES = (
    b"", b"{", b"null", b"[]", b"\xff", b'{"a":' * 2000, b"[" * 100_000, b'{"a":1,"a":2}',
    b'{"a":' * 900 + b"1" + b"}" * 900, b'{"x":' + b"9" * 5000 + b"}", b'{"x":1e999}',
    b'"\\ud800"', b'{"\\u0000":1}',
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    who: str | None
    template: str

    def __str__(self) -> str:
        return f"{self.method} {self.path[:300]} {self.headers} as {self.who}: {self.body[:400]!r}"


class Fuzzer:
    def __init__(self, cloud: TestCloud, seed: int) -> None:
        application = cloud.cloud.application
        self._document = document(application.faces, "0")
        for face in application.faces:
            for operation in face.operations:
                if operation.kind not in ("plain", "heavy", "fixed", "stream"):
                    # Feeds and sockets have no end.
                    path = plain_path(face.mount + face.prefixes[0] + operation.path)
                    self._document["paths"].pop(path, None)
        self._mounts = [(face.mount, face.microversions) for face in application.faces]
        self._random = random.Random(seed)
        self.ids: list[str] = ["00000000-0000-4000-8000-000000000000"]
        """Of what is there: filled from answers."""
        self.of: dict[str, list[str]] = {}
        """The same by the name of their collection."""
        self.projects = [""]
        self.seen: dict[str, list[dict[str, Any]]] = {}
        self.kept: set[str] = set()
        """What the requests themselves stand on, and so is only looked at."""

    def requests(self) -> Iterator[Request]:
        """For ever: every operation in turn, in an order of its own each time."""
        known = [
            (path, method, entry)
            for path, methods in self._document["paths"].items()
            for method, entry in methods.items()
        ]
        while True:
            self._random.shuffle(known)
            for path, method, entry in known:
                yield self._request(path, method.upper(), entry)

    def collections(self) -> list[str]:
        """Paths that list something."""
        return [
            path
            for path, methods in self._document["paths"].items()
            if "get" in methods and "{" not in path.replace("{project_id}", "")
        ]

    def learn(self, answer: Answer) -> None:
        """Names of things, so that later requests find some."""
        if answer.status >= 300 or not answer.raw.startswith(b"{"):
            return
        for noun, value in answer.json.items():
            items = value if isinstance(value, list) else [value]
            names = [
                str(item[key])
                for item in items[:50]
                if isinstance(item, dict)
                for key in ("id", "uuid", "name", "namespace")
                if isinstance(item.get(key), str | int)
            ]
            objects = [item for item in items[:5] if isinstance(item, dict)]
            if objects:
                plural = noun if isinstance(value, list) else f"{noun}s"
                self.seen[plural] = [*self.seen.get(plural, ()), *objects][-20:]
            known = self.of.setdefault(noun if isinstance(value, list) else f"{noun}s", [])
            known += [name for name in names if name and len(name) < 100 and name not in known]
            del known[:-60]
            self.ids = [*self.ids, *names][-400:]

    def _request(self, path: str, method: str, entry: dict[str, Any]) -> Request:
        roll = self._random
        spared = path.startswith("/identity") and method != "GET"
        url = path
        while (field := re.search(r"(\w+)/\{(\w+)\}", url)) is not None:
            value = self._segment(field[1], field[2], spared)
            url = f"{url[: field.start(2) - 1]}{value}{url[field.end(2) + 1 :]}"
        if roll.random() < 0.6:
            url += "?" + self._query()
        headers = self._version(path)
        body = b""
        if method in ("POST", "PUT", "PATCH") or roll.random() < 0.05:
            body = self._body(entry, path)
            kinds = ["application/octet-stream", "application/openstack-images-v2.1-json-patch"]
            headers["content-type"] = roll.choice([*["application/json"] * 8, *kinds])
        who = roll.choice([*["admin"] * 6, "demo", "demo", "domain", None])
        return Request(method, url, headers, body, who, path)

    def _version(self, path: str) -> dict[str, str]:
        roll = self._random
        for mount, known in self._mounts:
            if known is not None and mount and path.startswith(mount) and roll.random() < 0.9:
                newest, minor = known.maximum, roll.randint(0, known.maximum.minor)
                version = "latest" if roll.random() < 0.6 else f"{newest.major}.{minor}"
                return {"openstack-api-version": f"{known.service_type} {version}"}
        return {}

    def _segment(self, noun: str, field: str, spared: bool) -> str:
        """For a field of a path: mostly the id of something of the collection before it."""
        roll = self._random
        ids = self.of.get(noun) or self.ids
        if field == "project_id" and roll.random() < 0.95:
            ids = self.projects
        if roll.random() < 0.85:
            chosen = roll.choice(ids)
            return "x" if spared and chosen in self.kept else quote(chosen, safe="")
        return quote(roll.choice(TEXTS)[:200].encode("utf-8", "surrogatepass"), safe="") or "x"

    def _query(self) -> str:
        roll = self._random
        pairs = []
        for _ in range(roll.choice([1, 1, 1, 2, 3])):
            text = roll.choice(TEXTS) if roll.random() < 0.8 else roll.choice(self.ids)
            value = quote(text.encode("utf-8", "surrogatepass"), safe=":,")[:20_000]
            pairs.append(f"{roll.choice(NAMES)}={value}")
        return "&".join(pairs)

    # --- bodies -------------------------------------------------------------------------------

    def _body(self, entry: dict[str, Any], path: str) -> bytes:
        roll = self._random
        if roll.random() < 0.04:
            return roll.choice(TEXTS_OF_BODIES)
        content = entry.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        value = self._like_one_seen(path) if roll.random() < 0.5 else None
        if value is None:
            value = self._value(schema, 0)
        for _ in range(roll.choice([0, 1, 1, 2, 3])):
            value = self._spoilt(value)
        text = json.dumps(value)
        if roll.random() < 0.05:
            text = text.replace("null", '{"a":' * 1500 + "1" + "}" * 1500, 1)
        return text.encode()

    def _like_one_seen(self, path: str) -> Any:
        """Something of the same collection as an answer showed it, as a request would word it."""
        roll = self._random
        nouns = [part for part in path.split("/") if part and "{" not in part]
        noun = next((noun for noun in reversed(nouns) if noun in self.seen), None)
        if noun is None:
            return None
        one = roll.choice(self.seen[noun])
        part = {key: value for key, value in one.items() if roll.random() < 0.4}
        part |= {"name": f"n{roll.randint(0, 99)}"} if "name" in one else {}
        return {singular(noun): part} if roll.random() < 0.9 else part

    def _value(self, schema: dict[str, Any], depth: int) -> Any:
        roll = self._random
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = self._document["components"]["schemas"][name]
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return self._value(roll.choice(schema[key]), depth)
        if "enum" in schema:
            return roll.choice(schema["enum"])
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = roll.choice(kind)
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            size = 0 if depth > 6 else roll.choice([0, 1, 1, 2, 3])
            items = schema.get("items") or {}
            items = items if isinstance(items, dict) else {}
            return [self._value(items, depth + 1) for _ in range(size)]
        if kind == "integer":
            return roll.choice([schema.get("minimum", 1), schema.get("maximum", 9), 1, 2, 5])
        if kind == "number":
            return roll.choice([0, 1.5])
        if kind == "boolean":
            return roll.random() < 0.5
        if kind == "null":
            return None
        if kind == "string" or roll.random() < 0.5:
            usual = ["x", "10.1.2.0/24", "10.1.2.3", "tcp", "IPv4", "web"]
            return roll.choice([*self.ids[-40:], *usual])
        return self._junk(depth)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        roll = self._random
        wanted = set(schema.get("required", ()))
        found = {
            name: self._value(inner, depth + 1)
            for name, inner in schema.get("properties", {}).items()
            if name in wanted or (depth < 6 and roll.random() < 0.5)
        }
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and depth < 6:
            for _ in range(roll.choice([0, 1, 2])):
                name = roll.choice(["name", "id", "x", "size", "😀", *NAMES])
                found[name] = self._value(more, depth + 1)
        return found

    def _junk(self, depth: int) -> Any:
        roll = self._random
        choice = roll.random()
        if choice < 0.5:
            return roll.choice(TEXTS)
        if choice < 0.7:
            return roll.choice(NUMBERS)
        if choice < 0.8:
            return roll.choice([None, True, False, [], {}, [None], [[]], {"": None}, ["x"] * 3000])
        if choice < 0.9 and depth < 5:
            return [self._junk(depth + 1) for _ in range(roll.randint(0, 3))]
        if depth < 5:
            names = [roll.choice([*NAMES, *TEXTS])[:40] for _ in range(roll.randint(0, 3))]
            return {name: self._junk(depth + 1) for name in names}
        return None

    def _spoilt(self, value: Any) -> Any:
        """The same with one place of it replaced, doubled, gone or given a strange name."""
        roll = self._random
        if isinstance(value, dict) and value and roll.random() < 0.85:
            name = roll.choice(sorted(value))
            rest = {key: inner for key, inner in value.items() if key != name}
            choice = roll.random()
            if choice < 0.08:
                return rest
            if choice < 0.12:
                return {**value, roll.choice(TEXTS)[:40]: self._junk(1)}
            return {**rest, name: self._spoilt(value[name])}
        if isinstance(value, list) and value and roll.random() < 0.8:
            place = roll.randrange(len(value))
            if roll.random() < 0.1:
                return value * 500
            return [*value[:place], self._spoilt(value[place]), *value[place + 1 :]]
        return self._junk(0)


def singular(noun: str) -> str:
    """`policies` → `policy`, `addresses` → `address`, `networks` → `network`, and hyphens."""
    noun = noun.replace("-", "_")
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-2] if noun.endswith("sses") else noun.removesuffix("s")
