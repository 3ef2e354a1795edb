"""Why a policy decision is as it is: the rule as a tree, each check with its answer.

The tree is walked here and not compiled; `Rules.allows` decides, this only tells. Both read the
same nodes, and a test holds them against each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cumulo.core.auth import rules as tree
from cumulo.core.auth.policy import Credentials, Rules, Target, scope_of
from cumulo.core.auth.rules import Node


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a rule: what it says, what came of it, and its own parts.

    `note`: what the check compared, in words.
    """

    text: str
    holds: bool
    note: str = ""
    parts: tuple["Reason", ...] = ()

    def lines(self, depth: int = 0) -> list[str]:
        mark = "yes" if self.holds else "no "
        note = f"    ({self.note})" if self.note else ""
        own = f"{'  ' * depth}{mark} {self.text}{note}"
        return [own, *(line for part in self.parts for line in part.lines(depth + 1))]


def explain(rules: Rules, action: str, credentials: Credentials, target: Target) -> Reason:
    """The decision on an action. Raises KeyError for an action that has no rule."""
    inner = _reason(rules, tree.parse_text(rules.text(action)), credentials, target)
    wanted = rules.scopes(action)
    if wanted is None:
        return Reason(action, inner.holds, parts=(inner,))
    own = scope_of(credentials)
    scope = Reason(f"scope: {' or '.join(wanted)}", own in wanted, f"the token's is {own}")
    return Reason(action, scope.holds and inner.holds, parts=(scope, inner))


def _reason(rules: Rules, node: Node, credentials: Credentials, target: Target) -> Reason:
    match node:
        case tree.Any(parts):
            found = tuple(_reason(rules, part, credentials, target) for part in parts)
            return Reason("any of", any(each.holds for each in found), parts=found)
        case tree.All(parts):
            found = tuple(_reason(rules, part, credentials, target) for part in parts)
            return Reason("all of", all(each.holds for each in found), parts=found)
        case tree.Not(part):
            inner = _reason(rules, part, credentials, target)
            return Reason("not", not inner.holds, parts=(inner,))
        case tree.Reference(name):
            return _reference(rules, name, credentials, target)
        case tree.Constant(value):
            return Reason("@" if value else "!", value, "everybody" if value else "nobody")
        case _:
            return _check(node, credentials, target)
    raise AssertionError(node)


def _reference(rules: Rules, name: str, credentials: Credentials, target: Target) -> Reason:
    try:
        text = rules.text(name)
    except KeyError:
        return Reason(f"rule:{name}", False, "there is no such rule")
    inner = _reason(rules, tree.parse_text(text), credentials, target)
    return Reason(f"rule:{name}", inner.holds, parts=(inner,))


def _check(
    node: tree.Role | tree.Literal | tree.Attribute, credentials: Credentials, target: Target
) -> Reason:
    match node:
        case tree.Role(match):
            roles = credentials.get("roles")
            names = sorted(str(each) for each in roles) if isinstance(roles, Iterable) else []
            text, note = f"role:{match}", f"has: {', '.join(names) or 'none'}"
        case tree.Literal(said, match):
            text, note = f"'{said}':{match}", _values(match, target)
        case tree.Attribute(path, match):
            key = ".".join(path)
            text = f"{key}:{match}"
            value = credentials.get(key) if len(path) == 1 else None
            own = f"{key} is {value}" if value is not None else f"has no {key}"
            note = "; ".join(part for part in (own, _values(match, target)) if part)
    return Reason(text, Rules({"it": text}).allows("it", credentials, target), note)


def _values(match: str, target: Mapping[str, object]) -> str:
    """What the places of a check stand for."""
    found = []
    for place in tree.PLACE.finditer(match):
        key = place.group(1)
        if key:
            found.append(f"{key} is {target[key]}" if key in target else f"it has no {key}")
    return ", ".join(found)
