"""Policies of buckets: documents in AWS's policy language, read once, and asked about a request.

A policy says yes, no, or nothing; a no beats everything else that gives a right. What it says of
things that are not here (other services, keys of conditions that nobody can answer) is refused when
it is set, for a condition that is not looked at would be a hole.
"""

import functools
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from cumulo.object_store.model.faults import BadInput

LONGEST = 20_480
"""Bytes of a document."""
VERSIONS = ("2012-10-17", "2008-10-17")
ARN = "arn:aws:s3:::"
IAM = "arn:aws:iam::"
Verdict = Literal["Allow", "Deny"] | None

KEYS = frozenset(
    {
        *("aws:sourceip", "aws:securetransport", "aws:useragent", "aws:referer"),
        *("aws:currenttime", "aws:epochtime"),
        *("aws:username", "aws:userid", "aws:principalaccount"),
        *("s3:prefix", "s3:delimiter", "s3:max-keys", "s3:versionid"),
        *("s3:x-amz-acl", "s3:x-amz-copy-source", "s3:x-amz-metadata-directive"),
        *("s3:x-amz-content-sha256", "s3:signatureversion", "s3:authtype"),
    }
)
"""What conditions may ask for, in lower case."""
LONGEST_VALUE = 2048
"""Characters of what a request says: a longer value counts as not said."""
LONGEST_FILLED = 4096
"""Characters of a text with what its variables stand for: a longer one fits nothing."""
MOST_VARIABLES = 10
"""In one text."""
MOST_SINGLES = 30
"""Texts of a document that have a `?`: these take the longest to compare."""
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_PLAIN = {"*": "*", "?": "?", "$": "$"}
_ANY, _ONE = "\ud800", "\ud801"
"""The wild characters of a pattern; no text that can be stored has them, so that what a variable
stands for is never one."""
_WILD = str.maketrans({"*": _ANY, "?": _ONE})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; all empty for nobody."""

    project: str = ""
    users: frozenset[str] = frozenset()
    """The user by id, and by name where names are unique."""


@dataclass(frozen=True, slots=True)
class Request:
    caller: Caller
    action: str
    """`s3:GetObject` …"""
    bucket: str
    key: str
    said: Mapping[str, str]
    """By KEYS; what a request does not say is not there."""

    @property
    def resource(self) -> str:
        return f"{ARN}{self.bucket}" + (f"/{self.key}" if self.key else "")

    def value(self, name: str) -> str | None:
        """None for what is not said, or too long to be looked at."""
        found = self.said.get(name)
        return None if found is None or len(found) > LONGEST_VALUE else found


Condition = Callable[[Request], bool]


@dataclass(frozen=True, slots=True)
class Statement:
    allows: bool
    who: Callable[[Caller], bool]
    everybody: bool
    """It is said of everybody, and no condition says who or from where."""
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]

    def holds(self, asked: Request) -> bool:
        action, resource = asked.action.lower(), asked.resource
        return (
            self.who(asked.caller)
            and any(fits(action, each) for each in self.actions) != self.not_actions
            and any(_tested(_matches, resource, each, asked) for each in self.resources)
            != self.not_resources
            and all(condition(asked) for condition in self.conditions)
        )


@functools.lru_cache(maxsize=256)
def parsed(text: str) -> tuple[Statement, ...]:
    """A document that was kept."""
    return tuple(_statements(json.loads(text)))


def verdict(text: str, asked: Request) -> Verdict:
    found: Verdict = None
    for statement in parsed(text):
        if statement.holds(asked):
            if not statement.allows:
                return "Deny"
            found = "Allow"
    return found


def is_public(text: str) -> bool:
    """Does it give everybody something?"""
    return any(each.allows and each.everybody for each in parsed(text))


def checked(raw: bytes, bucket: str) -> str:
    """The text of a document that can be kept. Raises BadInput (MalformedPolicy)."""
    if len(raw) > LONGEST:
        raise BadInput(f"Policy exceeds the maximum size of {LONGEST} bytes", kind="PolicyTooLarge")
    try:
        text = raw.decode()
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()  # a half of a pair is no character
        found = list(_statements(document))
    except (ValueError, RecursionError):
        raise _wrong("This policy contains invalid Json") from None
    for each in found:
        for resource in each.resources:
            _check_resource(resource, bucket)
    if _singles(document) > MOST_SINGLES:
        raise _wrong(f"More than {MOST_SINGLES} values with a question mark")
    return text


def _singles(value: object) -> int:
    if isinstance(value, dict):
        return sum(map(_singles, value.values()))
    if isinstance(value, list):
        return sum(map(_singles, value))
    return isinstance(value, str) and "?" in value


def _check_resource(resource: str, bucket: str) -> None:
    """A policy speaks of its own bucket."""
    named = resource.removeprefix(ARN).partition("/")[0]
    own = named == bucket or ("*" in named and fits(bucket, named))
    if resource != "*" and not (resource.startswith(ARN) and own):
        raise _wrong("Policy has invalid resource")


def _wrong(message: str) -> BadInput:
    return BadInput(message, kind="MalformedPolicy")


# documents

_WORDS = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
    *("Resource", "NotResource", "Condition"),
}


def _statements(document: object) -> Iterator[Statement]:
    if not isinstance(document, dict) or set(document) - {"Version", "Id", "Statement"}:
        raise _wrong("Policies must be valid JSON and the first byte must be '{'")
    if document.get("Version", VERSIONS[1]) not in VERSIONS:
        raise _wrong("The policy must contain a valid version string")
    given = document.get("Statement")
    found: list[Any] = given if isinstance(given, list) else [given]
    if not found or not all(isinstance(each, dict) for each in found):
        raise _wrong("Missing required field Statement")
    for each in found:
        yield _statement(each)


def _statement(given: Mapping[str, Any]) -> Statement:
    unknown = set(given) - _WORDS
    if unknown:
        raise _wrong(f"Unknown field {sorted(unknown)[0]:.60}")
    effect = given.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise _wrong(f"Invalid effect: {effect!r:.60}")
    actions, not_actions = _either(given, "Action")
    if not all(each == "*" or each.lower().startswith("s3:") for each in actions):
        raise _wrong("Policy has invalid action")
    resources, not_resources = _either(given, "Resource")
    named = given.get("Condition", {})
    if not isinstance(named, dict):
        raise _wrong("Policy has invalid condition")
    for text in resources:
        _check_variables(text)
    conditions = tuple(
        _condition(str(operator), str(key), _texts(values))
        for operator, pairs in named.items()
        for key, values in _pairs(pairs)
    )
    narrow = any(
        _narrows(str(operator), str(key), _texts(values))
        for operator, pairs in named.items()
        for key, values in _pairs(pairs)
    )
    who, all_of_them = _principals(given)
    return Statement(
        allows=effect == "Allow",
        who=who,
        everybody=all_of_them and not narrow,
        actions=tuple(each.lower() for each in actions),
        not_actions=not_actions,
        resources=tuple(resources),
        not_resources=not_resources,
        conditions=conditions,
    )


def _either(given: Mapping[str, Any], name: str) -> tuple[list[str], bool]:
    """The texts of a word or of its negation, which is one of the two."""
    if (name in given) == (f"Not{name}" in given):
        raise _wrong(f"Missing required field {name}")
    found = _texts(given[name] if name in given else given[f"Not{name}"])
    if not found:
        raise _wrong(f"Missing required field {name}")
    return found, name not in given


def _texts(value: object) -> list[str]:
    """Numbers and truths are taken for their texts."""
    found = value if isinstance(value, list) else [value]
    done = []
    for each in found:
        if isinstance(each, bool):
            done.append("true" if each else "false")
        elif isinstance(each, str | int | float):
            done.append(str(each))
        else:
            raise _wrong("Policy has a value that is no text")
    return done


def _pairs(value: object) -> Iterator[tuple[str, object]]:
    if not isinstance(value, dict):
        raise _wrong("Policy has invalid condition")
    yield from value.items()


# who

Who = Callable[[Caller], bool]


def _principals(given: Mapping[str, Any]) -> tuple[Who, bool]:
    if ("Principal" in given) == ("NotPrincipal" in given):
        raise _wrong("Missing required field Principal")
    negated = "NotPrincipal" in given
    value = given["NotPrincipal"] if negated else given["Principal"]
    if value == "*":
        named: list[str] = ["*"]
    elif isinstance(value, dict) and value and not set(value) - {"AWS", "CanonicalUser"}:
        named = [text for texts in value.values() for text in _texts(texts)]
    else:
        raise _wrong("Invalid principal in policy")
    for each in named:
        if not each or (each.startswith("arn:") and _of_arn(each) is None):
            raise _wrong("Invalid principal in policy")
    everybody = "*" in named

    def who(caller: Caller) -> bool:
        return (everybody or any(_is(caller, each) for each in named)) != negated

    return who, everybody != negated


def _of_arn(text: str) -> tuple[str, str] | None:
    """Project and user; the user is empty for all of a project's."""
    project, mark, rest = text.removeprefix(IAM).partition(":")
    if not text.startswith(IAM) or not mark or not project:
        return None
    if rest == "root":
        return project, ""
    kind, _, user = rest.partition("/")
    return (project, user) if kind == "user" and user else None


def _is(caller: Caller, named: str) -> bool:
    if not caller.project:
        return False
    found = _of_arn(named)
    if found is None:
        return named == caller.project or named in caller.users
    project, user = found
    return project == caller.project and (not user or user in ("*", *caller.users))


# what texts fit


def fits(value: str, pattern: str) -> bool:
    """`*` is any text, `?` any character."""
    return _matches(value, pattern.translate(_WILD))


def _matches(value: str, pattern: str) -> bool:
    """Each piece between stars is where it is found first, so that no pattern takes long."""
    head, *rest = pattern.split(_ANY)
    if not rest:
        return _same(value, head)
    *middle, tail = rest
    if not _same(value[: len(head)], head):
        return False
    at = len(head)
    for part in middle:
        found = _found(value, part, at)
        if found < 0:
            return False
        at = found + len(part)
    end = len(value) - len(tail)
    return end >= at and _same(value[end:], tail)


def _same(value: str, piece: str) -> bool:
    if _ONE not in piece:
        return value == piece
    return len(value) == len(piece) and all(
        b in (_ONE, a) for a, b in zip(value, piece, strict=True)
    )


def _found(value: str, piece: str, at: int) -> int:
    """Bit n of `seen`: the first n+1 characters of the piece end here. One step for each
    character of the value, whatever the piece is: it may be a request's own text."""
    if len(piece) > len(value) - at:
        return -1
    if _ONE not in piece:
        return value.find(piece, at)
    any_, places = 0, dict[str, int]()
    for n, character in enumerate(piece):
        if character == _ONE:
            any_ |= 1 << n
        else:
            places[character] = places.get(character, 0) | 1 << n
    seen, last = 0, 1 << (len(piece) - 1)
    for end in range(at, len(value)):
        seen = (seen << 1 | 1) & (places.get(value[end], 0) | any_)
        if seen & last:
            return end - len(piece) + 1
    return -1


def _check_variables(text: str) -> None:
    names = _VARIABLE.findall(text)
    if len(names) > MOST_VARIABLES:
        raise _wrong(f"More than {MOST_VARIABLES} variables in one value")
    for name in names:
        if name not in _PLAIN and name.lower() not in KEYS:
            raise _wrong(f"Unknown variable {name:.60}")


def _filled(text: str, asked: Request, *, wild: bool) -> str | None:
    """With what variables stand for, which is never wild; None, which fits nothing, for one that a
    request does not say. `wild`: what is `*` and `?` in the text itself."""
    done, size = [], 0
    for n, part in enumerate(_VARIABLE.split(text)):
        if n % 2:
            value = _PLAIN.get(part) or asked.value(part.lower())
        else:
            value = part.translate(_WILD) if wild else part
        if value is None:
            return None
        size += len(value)
        if size > LONGEST_FILLED + len(text):
            return None
        done.append(value)
    return "".join(done)


# conditions


def _number(text: str) -> float:
    return float(text)


def _moment(text: str) -> float:
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def _in_network(value: str, network: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)


Test = Callable[[str, str], bool]
_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}


def _ordered(read: Callable[[str], float], test: Callable[[float, float], bool]) -> Test:
    return lambda value, wanted: test(read(value), read(wanted))


_TESTS: Mapping[str, Test] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _matches,
    "ArnEquals": _matches,
    "ArnLike": _matches,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_network,
    **{f"Numeric{name}": _ordered(_number, test) for name, test in _ORDERS.items()},
    **{f"Date{name}": _ordered(_moment, test) for name, test in _ORDERS.items()},
}
_NEGATIONS: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}


def _condition(operator: str, key: str, wanted: Sequence[str]) -> Condition:
    name = key.lower()
    if name not in KEYS:
        raise _wrong(f"Policy has an invalid condition key: {key:.60}")
    if operator == "Null":
        return _null(name, wanted)
    optional = operator.endswith("IfExists")
    bare = operator.removesuffix("IfExists")
    negated = bare in _NEGATIONS
    test = _TESTS.get(_NEGATIONS.get(bare, bare))
    if test is None or not wanted:
        raise _wrong(f"Invalid Condition type : {operator:.60}")
    _try(bare, test, wanted)

    def holds(asked: Request) -> bool:
        value = asked.value(name)
        if value is None:
            return optional or negated
        return any(_tested(test, value, each, asked) for each in wanted) != negated

    return holds


_WHO = ("aws:username", "aws:userid", "aws:principalaccount")
_WIDEST = {4: 8, 6: 32}
"""Bits of a network that is somebody's."""


def _narrows(operator: str, key: str, values: Sequence[str]) -> bool:
    """Does it leave only some of everybody: users, or networks that are not nearly all?"""
    if not values or any("${" in each for each in values):
        return False
    if operator == "IpAddress":
        networks = [ipaddress.ip_network(each, strict=False) for each in values]
        return all(each.prefixlen >= _WIDEST[each.version] for each in networks)
    return operator in ("StringEquals", "StringEqualsIgnoreCase") and key.lower() in _WHO


def _null(name: str, wanted: Sequence[str]) -> Condition:
    if list(wanted) not in (["true"], ["false"]):
        raise _wrong("Invalid Condition value : Null")
    absent = wanted[0] == "true"
    return lambda asked: (asked.value(name) is None) == absent


def _try(operator: str, test: Test, wanted: Sequence[str]) -> None:
    """A value that can be compared with nothing is said now."""
    for each in wanted:
        _check_variables(each)
        if operator.startswith(("Numeric", "Date", "IpAddress", "NotIpAddress")):
            sample = "192.0.2.1" if operator.endswith("IpAddress") else "0"
            try:
                test(sample, each)
            except (ValueError, OverflowError):
                raise _wrong(f"Invalid Condition value : {each:.60}") from None


def _tested(test: Test, value: str, wanted: str, asked: Request) -> bool:
    filled = _filled(wanted, asked, wild=test is _matches)
    try:
        return filled is not None and test(value, filled)
    except (ValueError, OverflowError):
        return False
