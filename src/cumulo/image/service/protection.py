"""Property protection: who may read and change which properties.

The rules are Glance's own file: a section for each regular expression of names, in order, with
`create`, `read`, `update` and `delete`: role names (or names of policies), `@` for everybody, `!`
for nobody. The first section that matches counts; a name that none matches is closed.
"""

import configparser
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from cumulo.core.wire.patterns import BadPattern, OperatorsPattern

Verb = Literal["create", "read", "update", "delete"]
_VERBS: tuple[Verb, ...] = get_args(Verb)


class Access:
    """What one caller may do."""

    def __init__(self, may: Callable[[Verb, str], bool]) -> None:
        self._may = may
        self._known: dict[tuple[Verb, str], bool] = {}

    def may(self, verb: Verb, name: str) -> bool:
        key = (verb, name)
        if key not in self._known:
            self._known[key] = self._may(verb, name)
        return self._known[key]


EVERYTHING = Access(lambda verb, name: True)


class Protection:
    """Without a text nothing is protected. Raises ValueError for one that makes no sense."""

    def __init__(self, text: str = "", format: str = "roles") -> None:
        self._rules: list[tuple[OperatorsPattern, dict[str, list[str]]]] = []
        self._policies = format == "policies"
        self.active = bool(text.strip())
        parser = configparser.RawConfigParser(strict=True)
        try:
            parser.read_string(text)
            for section in parser.sections():
                self._rules.append((OperatorsPattern(section), self._read(parser, section)))
        except (configparser.Error, BadPattern) as error:
            raise ValueError(str(error)) from None

    def _read(self, parser: configparser.RawConfigParser, section: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for verb in _VERBS:
            words = [w.strip() for w in parser.get(section, verb, fallback="").split(",")]
            words = [word for word in words if word]
            if ("@" in words or "!" in words) and len(words) > 1:
                raise ValueError(f"[{section}] {verb}: @ and ! stand alone")
            if self._policies and len(words) != 1:
                raise ValueError(f"[{section}] {verb}: one policy is expected")
            found[verb] = words
        return found

    def access(self, roles: Sequence[str], allowed: Callable[[str], bool]) -> Access:
        """`allowed(policy)`: whether a policy rule lets the caller in."""
        if not self.active:
            return EVERYTHING
        mine = {role.lower() for role in roles}

        def may(verb: Verb, name: str) -> bool:
            words = self._words(verb, name)
            if words in (["@"], ["!"], []):
                return words == ["@"]
            if self._policies:
                return allowed(words[0])
            return any(word.lower() in mine for word in words)

        return Access(may)

    def _words(self, verb: Verb, name: str) -> list[str]:
        for pattern, verbs in self._rules:
            if pattern.fits(name):
                return verbs[verb]
        return []
