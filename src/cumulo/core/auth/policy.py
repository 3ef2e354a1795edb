"""Policy: rules compiled once to closures over (credentials, target).

The semantics are oslo.policy's, found by comparing the two at random (the tests still do):

- `%(key)s` is looked up flat in the target, dots and all: `target["target.project_id"]`;
- a key that the target has not makes its check False, a None that it has compares as "None";
- `a.b:x` walks the credentials; a list on the way matches if any element does;
- an action may be for tokens of some scopes only; others are denied, whatever the rule says;
- role names compare without case; an unknown action or `rule:` means the rule `default` if there
  is one, and denies otherwise.
"""

import asyncio
import difflib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import yaml

from cumulo.core.auth import rules as tree
from cumulo.core.auth.rules import Node, PolicyError, parse_text, text_of

log = logging.getLogger("cumulo.policy")

__all__ = ["PolicyError", "RoleNames", "Rules", "reload_rules"]

Credentials = Mapping[str, object]
Target = Mapping[str, object]
Closure = Callable[[Credentials, Target], bool]

FILE_LIMIT = 1 << 20
_MISSING = object()
_shared = lru_cache(maxsize=1024)
"""What differs by its text alone is made once, for all services."""


class RoleNames(frozenset[str]):
    """Role names in lower case, made once for each token.

    Credentials whose "roles" is one are checked by one look-up; any other collection is searched.
    """

    __slots__ = ()

    def __new__(cls, names: Iterable[str] = ()) -> "RoleNames":
        return super().__new__(cls, (name.lower() for name in names))


def project_only(rules: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The scopes of a service that knows projects only: a token for a domain, or for the system,
    is for none of its actions, whatever roles it has (`scope_types`, enforced, of OpenStack)."""
    return {name: ("project",) for name in rules}


class Rules:
    """One service's rules: its defaults and, over them, what the operator wrote.

    `defaults` and `overrides`: action or rule name → text (overrides may be the legacy lists).
    `scopes`: action → the kinds of scope that a token may have for it; any, for one that is not
    named. Raises PolicyError for unreadable text and for circles.
    """

    def __init__(
        self,
        defaults: Mapping[str, str],
        overrides: Mapping[str, object] | None = None,
        *,
        path: Path | None = None,
        scopes: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._scopes = scopes or {}
        self._defaults = dict(defaults)
        self._overrides = dict(overrides or {})
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._texts: dict[str, str] = {}
        self._closures: dict[str, Closure] = {}
        self.doubts: list[str] = []
        """What the operator's file says that has no effect: told once, and shown by `status`."""
        self._build({})
        self.reload_if_changed()

    def allows(self, action: str, credentials: Credentials, target: Target) -> bool:
        """Whether the action's rule holds. `credentials["roles"]` is a collection of names."""
        wanted = self._scopes.get(action)
        if wanted is not None and scope_of(credentials) not in wanted:
            return False
        check = self._closures.get(action)
        if check is None:
            check = self._closures.get("default", _deny)
        return check(credentials, target)

    def scopes(self, action: str) -> Collection[str] | None:
        """The kinds of scope that tokens may have for an action; None: any."""
        return self._scopes.get(action)

    def text(self, action: str) -> str:
        """The rule in force, as text. Raises KeyError for an unknown action."""
        return self._texts[action]

    def reload_if_changed(self) -> bool:
        """Read `policy.yaml` again if it is another file than last time; True if it was.

        A file that is gone means no overrides. Raises PolicyError, once for each new content,
        for one that cannot be used: the rules before it then stay in force.
        """
        if self.path is None:
            return False
        try:
            found = self.path.stat()
        except FileNotFoundError:
            if self._seen is not None:
                self._build({})
                self._seen = None
                return True
            return False
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if seen == self._seen:
            return False
        text = _read(self.path)
        self._seen = seen
        self._build(text)
        return True

    def _build(self, from_file: Mapping[str, object]) -> None:
        texts: dict[str, str] = {}
        nodes: dict[str, Node] = {}
        for name, rule in {**self._defaults, **self._overrides, **from_file}.items():
            try:
                texts[name] = _as_text(rule)
                nodes[name] = parse_text(texts[name])
            except PolicyError as error:
                raise PolicyError(f"policy rule {name!r}: {error}") from None
        closures = _Compiler(nodes).compile()
        self._texts, self._closures = texts, closures
        self.doubts = [f"{self.path}: {doubt}" for doubt in self._doubts(from_file, nodes)]
        for told in self.doubts:
            log.warning("policy: %s", told)

    def _doubts(self, from_file: Mapping[str, object], nodes: Mapping[str, Node]) -> Iterator[str]:
        """Rules that nothing asks for, and references to rules that there are not: slips."""
        asked = {"default", *self._defaults, *self._overrides}
        if not from_file:
            return
        used = {name for node in nodes.values() for name in _references(node)}
        for name in from_file:
            if name not in asked and name not in used:
                yield f"nothing asks for the rule {name!r}{_meant(name, asked)}"
            for other in sorted(set(_references(nodes[name])) - set(nodes)):
                yield (
                    f"the rule {name!r} refers to {other!r}, which there is not: "
                    + ("the rule 'default' stands for it" if "default" in nodes else "it denies")
                    + _meant(other, nodes)
                )


def scope_of(credentials: Credentials) -> str:
    """The kind of a token's scope. Without any it counts as a project's, as for oslo.policy."""
    if credentials.get("system_scope"):
        return "system"
    return "domain" if credentials.get("domain_id") else "project"


async def reload_rules(found: Sequence[Rules], *, seconds: float = 1.0) -> None:
    """Take over what operators write into their files, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        for rules in found:
            try:
                if rules.reload_if_changed():
                    log.info("policy: %s was read again", rules.path)
            except OSError as error:  # it is being replaced, or cannot be read now
                log.warning("policy: %s", error)
            except PolicyError as error:
                rules.doubts = [f"the rules before it stay in force: {error}"]
                log.error("policy: %s", rules.doubts[0])


def _references(node: Node) -> Iterator[str]:
    """The names of the rules that a rule refers to."""
    match node:
        case tree.Reference(name):
            yield name
        case tree.Not(part):
            yield from _references(part)
        case tree.All(parts) | tree.Any(parts):
            for part in parts:
                yield from _references(part)
        case _:
            return


def _meant(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f" (is {close[0]!r} meant?)" if close else ""


def check_file(path: Path) -> None:
    """Raises PolicyError for a file that no service could start with."""
    for name, rule in _read(path).items():
        try:
            parse_text(_as_text(rule))
        except PolicyError as error:
            raise PolicyError(f"{path}: policy rule {name!r}: {error}") from None


def _as_text(rule: object) -> str:
    if isinstance(rule, str | list | tuple):
        return text_of(rule)
    raise PolicyError(f"not a text: {rule!r}")


def _read(path: Path) -> dict[str, object]:
    if path.stat().st_size > FILE_LIMIT:
        raise PolicyError(f"{path} is longer than {FILE_LIMIT} bytes")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_bytes(), loader)
    except (yaml.YAMLError, OSError) as error:
        raise PolicyError(f"{path}: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise PolicyError(f"{path} is not a mapping of rule names to rules")
    return content


class _Compiler:
    """Trees → closures; a reference becomes the referred closure itself, so it costs nothing."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes
        self._done: dict[str, Closure] = {}
        self._made: dict[int, Closure] = {}
        """By the node that a text was read as: hundreds of actions share a dozen texts."""
        self._open: list[str] = []

    def compile(self) -> dict[str, Closure]:
        for name in self._nodes:
            self._named(name)
        return self._done

    def _named(self, name: str) -> Closure:
        if name in self._done:
            return self._done[name]
        if name in self._open:
            circle = [*self._open[self._open.index(name) :], name]
            raise PolicyError(f"policy rules refer in a circle: {' → '.join(circle)}")
        if len(self._open) > tree.DEPTH_LIMIT:
            raise PolicyError(f"policy rule {self._open[0]!r}: too many rules in a row")
        self._open.append(name)
        node = self._nodes[name]
        closure = self._made.get(id(node))
        if closure is None:
            closure = self._made[id(node)] = self._closure(node)
        self._done[name] = closure
        self._open.pop()
        return closure

    def _closure(self, node: Node) -> Closure:
        match node:
            case tree.Constant(value):
                return _allow if value else _deny
            case tree.Reference(name):
                if name in self._nodes:
                    return self._named(name)
                return self._named("default") if "default" in self._nodes else _deny
            case tree.Role(wanted):
                return _role(wanted)
            case tree.Literal(text, wanted):
                return _literal(text, wanted)
            case tree.Attribute(path, wanted):
                return _attribute(path, wanted)
            case tree.Not(part):
                return _negation(self._closure(part))
            case tree.All(parts):
                return _conjunction([self._closure(part) for part in parts])
            case tree.Any(parts):
                return _disjunction([self._closure(part) for part in parts])


def _allow(credentials: Credentials, target: Target) -> bool:
    return True


def _deny(credentials: Credentials, target: Target) -> bool:
    return False


def _negation(part: Closure) -> Closure:
    return lambda credentials, target: not part(credentials, target)


def _conjunction(parts: list[Closure]) -> Closure:
    if len(parts) == 2:
        first, second = parts
        return lambda credentials, target: (
            first(credentials, target) and second(credentials, target)
        )

    def check(credentials: Credentials, target: Target) -> bool:
        for part in parts:  # noqa: SIM110 -- all() makes a generator: twice the time
            if not part(credentials, target):
                return False
        return True

    return check


def _disjunction(parts: list[Closure]) -> Closure:
    if len(parts) == 2:
        first, second = parts
        return lambda credentials, target: first(credentials, target) or second(credentials, target)

    def check(credentials: Credentials, target: Target) -> bool:
        for part in parts:  # noqa: SIM110
            if part(credentials, target):
                return True
        return False

    return check


def _expansion(wanted: str) -> str | Callable[[Target], str | None]:
    """The right side: its text, or what makes the text of a target (None: a key is missing)."""
    if "%" not in wanted:
        return wanted
    places = list(tree.PLACE.finditer(wanted))
    if len(places) == 1 and places[0].group() == wanted and wanted != "%%":
        key = places[0].group(1)

        def single(target: Target) -> str | None:
            value = target.get(key, _MISSING)
            if value.__class__ is str:
                return value
            return None if value is _MISSING else str(value)

        return single

    def several(target: Target) -> str | None:
        try:
            return wanted % target
        except KeyError:
            return None

    return several


@_shared
def _role(wanted: str) -> Closure:
    made = _expansion(wanted)

    if isinstance(made, str):
        name = made.lower()

        def fixed(credentials: Credentials, target: Target) -> bool:
            roles = credentials.get("roles") or ()
            return name in roles if roles.__class__ is RoleNames else _has_role(name, roles)

        return fixed

    def check(credentials: Credentials, target: Target) -> bool:
        text = made(target)
        return text is not None and _has_role(text.lower(), credentials.get("roles") or ())

    return check


def _has_role(name: str, roles: object) -> bool:
    for role in roles:  # type: ignore[attr-defined]  # noqa: SIM110
        if role.lower() == name:
            return True
    return False


@_shared
def _literal(text: str, wanted: str) -> Closure:
    made = _expansion(wanted)
    if isinstance(made, str):
        return _allow if made == text else _deny
    return lambda credentials, target: made(target) == text


@_shared
def _attribute(path: tuple[str, ...], wanted: str) -> Closure:
    made = _expansion(wanted)
    if len(path) > 1:
        return _walk(path, made)
    key = path[0]
    if isinstance(made, str):

        def fixed(credentials: Credentials, target: Target) -> bool:
            value = credentials.get(key, _MISSING)
            return value == made if value.__class__ is str else _matches(value, (), made)

        return fixed

    def check(credentials: Credentials, target: Target) -> bool:
        text = made(target)
        if text is None:
            return False
        value = credentials.get(key, _MISSING)
        return value == text if value.__class__ is str else _matches(value, (), text)

    return check


def _walk(path: tuple[str, ...], made: str | Callable[[Target], str | None]) -> Closure:
    if isinstance(made, str):
        return lambda credentials, target: _matches(credentials, path, made)

    def check(credentials: Credentials, target: Target) -> bool:
        text = made(target)
        return text is not None and _matches(credentials, path, text)

    return check


def _matches(value: object, path: tuple[str, ...], text: str) -> bool:
    for position, key in enumerate(path):
        if isinstance(value, list):
            rest = path[position:]
            return any(isinstance(e, Mapping) and _matches(e, rest, text) for e in value)
        if not isinstance(value, Mapping):
            return False
        value = value.get(key, _MISSING)
    if isinstance(value, list):
        return any(str(element) == text for element in value)
    return value is not _MISSING and str(value) == text
