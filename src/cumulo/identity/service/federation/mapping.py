"""The mapping language: from what a provider says of somebody to a user and groups here.

A mapping is a list of rules. A rule applies when all of its `remote` requirements are met; each
requirement without a condition (or with a list of what to keep or drop) also yields the values that
`{0}`, `{1}` … of its `local` parts stand for. All rules that apply count: groups are added up, the
first user wins. Source: identity API v3, OS-FEDERATION mappings; schema versions 1.0 and 2.0.

Attributes come as text; several values of one are separated by `;`.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET

from cumulo.core.faults import BadRequest
from cumulo.core.wire.patterns import BadPattern, Pattern
from cumulo.core.wire.shapes import Unset

SchemaVersion = Literal["1.0", "2.0"]
ATTRIBUTE_LIMIT = 64 * 1024
"""Characters of one attribute that a regular expression may be asked about."""

_PLACE = re.compile(r"\{(\d{0,4})\}")


class NamedDomain(msgspec.Struct, forbid_unknown_fields=True):
    id: str | Unset = UNSET
    name: str | Unset = UNSET


class LocalUser(msgspec.Struct, forbid_unknown_fields=True):
    id: str | Unset = UNSET
    name: str | Unset = UNSET
    email: str | Unset = UNSET
    domain: NamedDomain | Unset = UNSET
    type: Literal["ephemeral", "local"] | Unset = UNSET


class LocalRole(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class LocalProject(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    roles: list[LocalRole]
    domain: NamedDomain | Unset = UNSET


class LocalGroup(msgspec.Struct, forbid_unknown_fields=True):
    id: str | Unset = UNSET
    name: str | Unset = UNSET
    domain: NamedDomain | Unset = UNSET


class Local(msgspec.Struct, forbid_unknown_fields=True):
    user: LocalUser | Unset = UNSET
    projects: list[LocalProject] | Unset = UNSET
    group: LocalGroup | Unset = UNSET
    groups: str | Unset = UNSET
    group_ids: str | Unset = UNSET
    domain: NamedDomain | Unset = UNSET


class Remote(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    any_one_of: list[str] | Unset = UNSET
    not_any_of: list[str] | Unset = UNSET
    blacklist: list[str] | Unset = UNSET
    whitelist: list[str] | Unset = UNSET
    regex: bool = False

    @property
    def conditions(self) -> int:
        given = (self.any_one_of, self.not_any_of, self.blacklist, self.whitelist)
        return sum(each is not UNSET for each in given)


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    local: list[Local]
    remote: Annotated[list[Remote], msgspec.Meta(min_length=1)]


Rules = Annotated[list[Rule], msgspec.Meta(min_length=1)]


class NamedGroup(msgspec.Struct, frozen=True):
    name: str
    domain_id: str | None
    domain_name: str | None


class Domain(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None


class MappedProject(msgspec.Struct, frozen=True):
    name: str
    roles: tuple[str, ...]
    domain: Domain | None = None


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules made of somebody. `local`: an existing user is meant."""

    user_id: str | None = None
    user_name: str | None = None
    email: str | None = None
    user_domain: Domain | None = None
    local: bool = False
    group_ids: tuple[str, ...] = ()
    groups: tuple[NamedGroup, ...] = ()
    projects: tuple[MappedProject, ...] = ()


def check_rules(rules: object, version: SchemaVersion) -> list[Rule]:
    """The rules of a mapping, understood. Raises BadRequest with what is wrong and where."""
    try:
        found: list[Rule] = msgspec.convert(rules, Rules)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid input for field mapping: {error}") from None
    for number, rule in enumerate(found):
        for remote in rule.remote:
            _check_remote(remote, number)
        for local in rule.local:
            _check_local(local, number, version)
    return found


def _check_remote(remote: Remote, number: int) -> None:
    if remote.conditions > 1 or (remote.regex and not remote.conditions):
        raise BadRequest(
            f"Invalid input for field rules/{number}/remote: one of any_one_of, not_any_of, "
            "blacklist and whitelist may be given, and regex only with one of them."
        )
    if remote.regex:
        for pattern in _listed(remote):
            try:
                Pattern(pattern)
            except BadPattern as error:
                raise BadRequest(
                    f"Invalid input for field rules/{number}/remote: {pattern!r} is not a regular "
                    f"expression: {error}."
                ) from None


def _listed(remote: Remote) -> list[str]:
    for given in (remote.any_one_of, remote.not_any_of, remote.blacklist, remote.whitelist):
        if given is not UNSET:
            return given
    return []


def _check_local(local: Local, number: int, version: SchemaVersion) -> None:
    group = local.group
    if group is not UNSET:
        by_id = group.id is not UNSET and group.name is UNSET and group.domain is UNSET
        by_name = group.id is UNSET and group.name is not UNSET and group.domain is not UNSET
        if not (by_id or by_name):
            raise BadRequest(
                f"Invalid input for field rules/{number}/local/group: either an id, or a name and "
                "a domain."
            )
    projects = [] if local.projects is UNSET else local.projects
    if version == "1.0" and any(project.domain is not UNSET for project in projects):
        raise BadRequest(
            f"Invalid input for field rules/{number}/local/projects: a domain needs "
            "schema_version 2.0."
        )


def apply_rules(
    rules: Sequence[Rule], attributes: Mapping[str, str], version: SchemaVersion, mapping_id: str
) -> Mapped:
    """Who it is. Raises BadRequest if no rule applies or a rule's words make no sense."""
    values = {name: text[:ATTRIBUTE_LIMIT].split(";") for name, text in attributes.items()}
    parts: list[tuple[Local, list[list[str]]]] = []
    for rule in rules:
        found = _matches(rule.remote, values)
        if found is not None:
            parts += [(local, found) for local in rule.local]
    if not parts:
        raise BadRequest(
            "Could not map any federated user properties to identity values. Check debug logs or "
            "the mapping used for additional details."
        )
    return _Collapsed(mapping_id, version).of(parts)


def _matches(remotes: Sequence[Remote], values: Mapping[str, list[str]]) -> list[list[str]] | None:
    """The values that `{0}` … stand for; None if the rule does not apply."""
    found: list[list[str]] = []
    for remote in remotes:
        given = values.get(remote.type)
        if not given:
            return None
        listed = _listed(remote)
        if remote.any_one_of is not UNSET or remote.not_any_of is not UNSET:
            some = any(_is_one(value, listed, remote.regex) for value in given)
            if some != (remote.any_one_of is not UNSET):
                return None
            continue
        if remote.blacklist is not UNSET:
            given = [value for value in given if not _is_one(value, listed, remote.regex)]
        elif remote.whitelist is not UNSET:
            given = [value for value in given if _is_one(value, listed, remote.regex)]
        found.append(given)
    return found


@lru_cache(maxsize=256)
def _pattern(text: str) -> Pattern:
    try:
        return Pattern(text)
    except BadPattern as error:  # stored by an older release
        raise BadRequest(f"A pattern of the mapping is not understood: {error}") from None


def _is_one(value: str, listed: Sequence[str], regex: bool) -> bool:
    if regex:
        return any(_pattern(pattern).found_in(value) for pattern in listed)
    return value in listed


class _Collapsed:
    """All parts that apply, made one."""

    def __init__(self, mapping_id: str, version: SchemaVersion) -> None:
        self._mapping_id = mapping_id
        self._version = version

    def of(self, parts: Sequence[tuple[Local, list[list[str]]]]) -> Mapped:
        user = LocalUser()
        group_ids: dict[str, None] = {}
        groups: dict[NamedGroup, None] = {}
        projects: tuple[MappedProject, ...] = ()
        default_domain: Domain | None = None
        user_values: list[list[str]] = []
        seen_user = False
        for local, values in parts:
            if local.user is not UNSET and not seen_user:
                user, user_values, seen_user = local.user, values, True
            if local.domain is not UNSET and default_domain is None:
                default_domain = self._domain(local.domain, values)
            if local.group is not UNSET:
                self._group(local.group, values, group_ids, groups)
            if local.groups is not UNSET:
                if local.domain is UNSET:
                    raise BadRequest(
                        f"Invalid rule in mapping {self._mapping_id}: both 'groups' and 'domain' "
                        "keywords must be specified."
                    )
                domain = self._domain(local.domain, values)
                for name in self._list(local.groups, values):
                    groups[NamedGroup(name, domain.id, domain.name)] = None
            if local.group_ids is not UNSET:
                group_ids.update(dict.fromkeys(self._list(local.group_ids, values)))
            if local.projects is not UNSET:
                projects = tuple(self._project(each, values) for each in local.projects)
        email = None if user.email is UNSET else self._text(user.email, user_values)
        user_domain = None
        if user.domain is not UNSET:
            user_domain = self._domain(user.domain, user_values)
        elif self._version == "2.0":
            user_domain = default_domain
        return Mapped(
            user_id=None if user.id is UNSET else self._text(user.id, user_values),
            user_name=None if user.name is UNSET else self._text(user.name, user_values),
            email=email,
            user_domain=user_domain,
            local=user.type == "local",
            group_ids=tuple(group_ids),
            groups=tuple(groups),
            projects=tuple(
                each if each.domain or self._version == "1.0" else self._homed(each, default_domain)
                for each in projects
            ),
        )

    @staticmethod
    def _homed(project: MappedProject, domain: Domain | None) -> MappedProject:
        return MappedProject(project.name, project.roles, domain)

    def _group(
        self,
        group: LocalGroup,
        values: list[list[str]],
        group_ids: dict[str, None],
        groups: dict[NamedGroup, None],
    ) -> None:
        if group.id is not UNSET:
            group_ids[self._text(group.id, values)] = None
        elif group.name is not UNSET and group.domain is not UNSET:
            domain = self._domain(group.domain, values)
            groups[NamedGroup(self._text(group.name, values), domain.id, domain.name)] = None

    def _project(self, project: LocalProject, values: list[list[str]]) -> MappedProject:
        domain = None if project.domain is UNSET else self._domain(project.domain, values)
        roles = tuple(self._text(role.name, values) for role in project.roles)
        return MappedProject(self._text(project.name, values), roles, domain)

    def _domain(self, domain: NamedDomain, values: list[list[str]]) -> Domain:
        return Domain(
            None if domain.id is UNSET else self._text(domain.id, values),
            None if domain.name is UNSET else self._text(domain.name, values),
        )

    def _list(self, template: str, values: list[list[str]]) -> list[str]:
        """`{1}` alone stands for all of its values; a list written in the rule is one, too.

        What a provider says is never read as a list: only the operator's own words are.
        """
        alone = _PLACE.fullmatch(template)
        if alone is not None:
            return self._values(int(alone[1] or 0), values)
        try:
            written = ast.literal_eval(template)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            written = None
        if isinstance(written, list | tuple):
            return [self._text(each, values) for each in written if isinstance(each, str)]
        return [self._text(template, values)]

    def _text(self, template: str, values: list[list[str]]) -> str:
        automatic = iter(range(len(values) + 1))

        def value(place: re.Match[str]) -> str:
            number = int(place[1]) if place[1] else next(automatic)
            found = self._values(number, values)
            return found[0] if len(found) == 1 else str(found)

        return _PLACE.sub(value, template)

    def _values(self, number: int, values: list[list[str]]) -> list[str]:
        if number >= len(values):
            raise BadRequest(
                f"Local section in mapping {self._mapping_id} refers to a remote match that "
                f"doesn't exist (e.g. {{{number}}} in a local section)."
            )
        return values[number]
