"""Request and response bodies, and how they change with the microversion.

Every body is one msgspec Struct, written in its newest form. What an older version did not have,
or had otherwise, stands beside the field as data:

    class ServerBody(Body):
        id: str
        description: Annotated[str | None | Unset, Since("2.19")] = UNSET
        hostname: Annotated[str | Unset, Until("2.2")] = UNSET
        flavor: Annotated[Flavor | FlavorLink, Before("2.47", to_flavor_link)]

`request_type(T, version)` gives the type that a request of that version is decoded with (unknown
fields are refused as the real service refuses them) and `lift` turns the result into T;
`trim(body, version)` takes from a response what the version does not know. No handler asks for
the version.
"""

import functools
import operator
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import UNSET, UnsetType

Unset = UnsetType


class Version(NamedTuple):
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @classmethod
    def parse(cls, text: str) -> "Version":
        """`2.79`; raises ValueError for anything else."""
        major, dot, minor = text.partition(".")
        if not (dot and major.isdecimal() and minor.isdecimal() and len(text) < 12):
            raise ValueError(text)
        if (minor != "0" and minor.startswith("0")) or major.startswith("0"):
            raise ValueError(text)
        return cls(int(major), int(minor))


class Body(msgspec.Struct, kw_only=True):
    """A JSON object of a response, or one that tolerates unknown fields in a request."""


class OpenBody(Body):
    """A JSON object of a response that may have more fields than are named: an image's properties
    stand beside its own fields."""


class StrictBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A JSON object of a request; unknown fields are refused."""


class _Mark:
    def __init__(self, version: str) -> None:
        self.version = Version.parse(version)


class Since(_Mark):
    """The field exists from this version on."""


class Until(_Mark):
    """The field exists up to and with this version."""


class Before(_Mark):
    """Below this version a response's field has the value that `change` makes of today's."""

    def __init__(self, version: str, change: Callable[[Any], Any]) -> None:
        super().__init__(version)
        self.change = change


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    hint: Any
    since: Version | None
    until: Version | None
    before: tuple[Before, ...]

    def known(self, version: Version) -> bool:
        if self.since is not None and version < self.since:
            return False
        return self.until is None or version <= self.until


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


_FIELDS: dict[type, tuple[_Field, ...]] = {}


def _fields(kind: type[msgspec.Struct]) -> tuple[_Field, ...]:
    found = _FIELDS.get(kind)
    if found is None:
        hints = typing.get_type_hints(kind, include_extras=True)
        found = tuple(_field(name, hints[name]) for name in kind.__struct_fields__)
        _FIELDS[kind] = found
    return found


def _field(name: str, hint: Any) -> _Field:
    since = until = None
    before: list[Before] = []
    if get_origin(hint) is Annotated:
        for mark in get_args(hint)[1:]:
            if isinstance(mark, Since):
                since = mark.version
            elif isinstance(mark, Until):
                until = mark.version
            elif isinstance(mark, Before):
                before.append(mark)
    before.sort(key=lambda mark: mark.version, reverse=True)
    return _Field(name, hint, since, until, tuple(before))


def _inner(hint: Any) -> list[Any]:
    """The types inside an annotation, markers left out."""
    if get_origin(hint) is Annotated:
        return _inner(get_args(hint)[0])
    if _is_struct(hint):
        return [hint]
    return [found for arg in get_args(hint) for found in _inner(arg)]


_BOUNDARIES: dict[type, tuple[Version, ...]] = {}


def boundaries(kind: type[msgspec.Struct]) -> tuple[Version, ...]:
    """The versions at which this type, or one inside it, changes; ascending."""
    found = _BOUNDARIES.get(kind)
    if found is None:
        _BOUNDARIES[kind] = ()  # a type that contains itself
        versions: set[Version] = set()
        for field in _fields(kind):
            if field.since is not None:
                versions.add(field.since)
            if field.until is not None:
                versions.add(Version(field.until.major, field.until.minor + 1))
            versions.update(mark.version for mark in field.before)
            for inner in _inner(field.hint):
                versions.update(boundaries(inner))
        found = _BOUNDARIES[kind] = tuple(sorted(versions))
    return found


def _bucket(kind: type[msgspec.Struct], version: Version) -> int:
    return sum(1 for boundary in boundaries(kind) if boundary <= version)


_REQUESTS: dict[tuple[type, int], type] = {}


def request_type(kind: Any, version: Version | None) -> Any:
    """The type that decodes a request body of this version; also of a list or dict of Structs."""
    if not _is_struct(kind):
        return kind if version is None else _rebuild(kind, version)
    if version is None or not boundaries(kind):
        return kind
    key = (kind, _bucket(kind, version))
    found = _REQUESTS.get(key)
    if found is None:
        found = _REQUESTS[key] = _at(kind, version)
    return found


def _at(kind: type[msgspec.Struct], version: Version) -> type:
    """The same Struct without the fields that the version does not know."""
    declared = {info.name: info for info in msgspec.structs.fields(kind)}
    kept: list[Any] = []
    for field in _fields(kind):
        if field.known(version):
            info = declared[field.name]
            if info.default_factory is not msgspec.NODEFAULT:
                default = msgspec.field(name=info.encode_name, default_factory=info.default_factory)
            elif info.default is not msgspec.NODEFAULT:
                default = msgspec.field(name=info.encode_name, default=info.default)
            else:
                default = msgspec.field(name=info.encode_name)
            kept.append((field.name, _rebuild(field.hint, version), default))
    check = getattr(kind, "__post_init__", None)
    return msgspec.defstruct(
        kind.__name__,
        kept,
        kw_only=True,
        forbid_unknown_fields=kind.__struct_config__.forbid_unknown_fields,
        namespace=None if check is None else {"__post_init__": check},
    )


def _rebuild(hint: Any, version: Version) -> Any:
    if get_origin(hint) is Annotated:
        base, *marks = get_args(hint)
        kept = [mark for mark in marks if not isinstance(mark, _Mark)]
        base = _rebuild(base, version)
        return Annotated[(base, *kept)] if kept else base
    if _is_struct(hint):
        return request_type(hint, version)
    origin = get_origin(hint)
    if origin is None:
        return hint
    arguments = tuple(_rebuild(arg, version) for arg in get_args(hint))
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, arguments)
    if origin is typing.Literal:
        return hint
    return origin[arguments]


_ANSWERS: dict[tuple[Any, Version | None], Any] = {}


def answer_type(kind: Any, version: Version | None) -> Any:
    """The type that a response of this version must fit: without unknown fields, except in an
    OpenBody. For checks of what a service really answers."""
    found = _ANSWERS.get((kind, version))
    if found is None:
        _ANSWERS[(kind, version)] = Any  # a type that contains itself is not looked at twice
        found = _ANSWERS[(kind, version)] = _exactly(kind, version)
    return found


def _exactly(hint: Any, version: Version | None) -> Any:
    if _is_struct(hint):
        declared = {info.name: info for info in msgspec.structs.fields(hint)}
        kept = []
        for field in _fields(hint):
            if version is not None and not field.known(version):
                continue
            info = declared[field.name]
            older = version is not None and any(version < mark.version for mark in field.before)
            needed = info.required
            named = (
                msgspec.field(name=info.encode_name)
                if needed
                else msgspec.field(name=info.encode_name, default=UNSET)
            )
            kept.append((field.name, Any if older else answer_type(field.hint, version), named))
        return msgspec.defstruct(
            hint.__name__,
            kept,
            kw_only=True,
            forbid_unknown_fields=not issubclass(hint, OpenBody),
        )
    if get_origin(hint) is Annotated:
        base, *marks = get_args(hint)
        kept_marks = [mark for mark in marks if not isinstance(mark, _Mark)]
        base = answer_type(base, version)
        return Annotated[(base, *kept_marks)] if kept_marks else base
    origin = get_origin(hint)
    if origin is None or origin is typing.Literal:
        return hint
    arguments = tuple(
        each if each is Ellipsis else answer_type(each, version) for each in get_args(hint)
    )
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, arguments)
    return origin[arguments]


def lift(value: Any, kind: Any) -> Any:
    """A decoded request of an older version in the newest form; what it lacks has its default."""
    if isinstance(value, msgspec.Struct):
        inner = [each for each in _inner(kind) if each.__name__ == type(value).__name__]
        if not inner or (type(value) is inner[0] and not boundaries(inner[0])):
            return value
        hints = {field.name: field.hint for field in _fields(inner[0])}
        return inner[0](
            **{name: lift(getattr(value, name), hints[name]) for name in value.__struct_fields__}
        )
    if isinstance(value, list):
        return [lift(item, kind) for item in value]
    if isinstance(value, dict):
        return {key: lift(item, kind) for key, item in value.items()}
    return value


_PLANS: dict[tuple[type, Version], tuple[Any, ...] | None] = {}


def trim(body: Any, version: Version) -> None:
    """Take from a response, in place, what clients of this version do not know."""
    if isinstance(body, msgspec.Struct):
        _trim_struct(body, version)
    elif isinstance(body, list):
        if body and type(body[0]) is not msgspec.Raw:  # Texts are of their version already.
            for item in body:
                trim(item, version)
    elif isinstance(body, dict):
        for item in body.values():
            trim(item, version)


def _trim_struct(body: msgspec.Struct, version: Version) -> None:
    key = (type(body), version)
    try:
        plan = _PLANS[key]
    except KeyError:
        plan = _PLANS[key] = _plan(type(body), version)
    if plan is None:
        return
    unknown, changed, nested = plan
    for name in unknown:
        setattr(body, name, UNSET)
    for name, change in changed:
        setattr(body, name, change(getattr(body, name)))
    for name in nested:
        trim(getattr(body, name), version)


def _plan(kind: type[msgspec.Struct], version: Version) -> tuple[Any, ...] | None:
    """(fields unknown, fields changed, fields to look into); None: nothing is to be done."""
    if not boundaries(kind):
        return None
    unknown: list[str] = []
    changed: list[tuple[str, Any]] = []
    nested: list[str] = []
    for field in _fields(kind):
        if not field.known(version):
            unknown.append(field.name)
            continue
        changed.extend((field.name, mark.change) for mark in field.before if version < mark.version)
        if any(boundaries(inner) for inner in _inner(field.hint)):
            nested.append(field.name)
    if not (unknown or changed or nested):
        return None
    return tuple(unknown), tuple(changed), tuple(nested)
