"""Access rules: whether one of them allows a request.

The rule's path is matched character by character in a set of states, not by a regular expression:
whoever writes the rule must not be able to make the match take forever.
"""

import functools
from collections.abc import Iterable, Sequence

from cumulo.core.auth.principal import AccessRule


def allows(
    rules: Iterable[AccessRule], service_types: Sequence[str], method: str, paths: Sequence[str]
) -> bool:
    """`paths`: the same path in its spellings, with and without where the service is mounted."""
    return any(
        rule.method == method
        and rule.service in service_types
        and any(matches(rule.path, path) for path in paths)
        for rule in rules
    )


REMEMBERED = 256
"""Characters of a path; answers for longer ones are not kept, or clients could fill the memory."""


def matches(pattern: str, path: str) -> bool:
    """`*` and `{name}`: one or more characters but `/`; `**`: any, also none."""
    return _remembered(pattern, path) if len(path) <= REMEMBERED else _matches(pattern, path)


@functools.lru_cache(maxsize=4096)
def _remembered(pattern: str, path: str) -> bool:
    return _matches(pattern, path)


def _matches(pattern: str, path: str) -> bool:
    parts = _parts(pattern)
    states = _closed({0}, parts)
    for character in path:
        following: set[int] = set()
        for state in states:
            if state >= len(parts):
                continue
            part = parts[state]
            if part == "**":
                following.add(state)
            elif part == "*":
                if character != "/":
                    following |= {state, state + 1}
            elif part == character:
                following.add(state + 1)
        states = _closed(following, parts)
        if not states:
            return False
    return len(parts) in states


def _closed(states: set[int], parts: Sequence[str]) -> set[int]:
    """With the states that are reached without a character: `**` may stand for nothing."""
    for state in sorted(states):
        while state < len(parts) and parts[state] == "**":
            state += 1
            states.add(state)
    return states


@functools.lru_cache(maxsize=4096)
def _parts(pattern: str) -> tuple[str, ...]:
    """`*`, `**` and single characters; a brace that is not closed is left out."""
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        character = pattern[place]
        if character == "{":
            end = pattern.find("}", place)
            if end > 0:
                parts.append("*")
                place = end
        elif pattern.startswith("**", place):
            if parts[-1:] != ["**"]:
                parts.append("**")
            place += 1
        elif character != "}":
            parts.append(character)
        place += 1
    return tuple(parts)
