"""Allocation candidates: which sets of providers can give all that a request asks for; pure.

A request has groups. Each *named* group (`resources_NET`) is given by one provider; the *unnamed*
one may be spread over a tree, and over providers that share what they have (MISC_SHARES_VIA_
AGGREGATE) with a provider of the tree by an aggregate. A candidate stays within one tree and what
is shared with it.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from cumulo.placement.model.provider import InventoryRow, ProviderRow

T = TypeVar("T")
SHARES = "MISC_SHARES_VIA_AGGREGATE"
MOST = 1000
"""Candidates that are told where the client says no limit: nobody reads more, and their number
grows as the product of what each group may choose from."""
TRIED = 50_000
"""Combinations that one request looks at, of all trees together: then it has what it has found."""


class Provider(msgspec.Struct, frozen=True):
    row: ProviderRow
    stock: Mapping[str, InventoryRow]
    traits: frozenset[str]
    aggregates: frozenset[str]

    @property
    def id(self) -> str:
        return self.row.id


class Group(msgspec.Struct, kw_only=True):
    """What one suffix of the query asks for."""

    resources: dict[str, int] = {}
    required: list[frozenset[str]] = []
    """Of each of these sets of traits one must be there."""
    forbidden: set[str] = set()
    member_of: list[frozenset[str]] = []
    not_member_of: set[str] = set()
    in_tree: str | None = None


class Request(msgspec.Struct, kw_only=True):
    groups: dict[str, Group]
    """By suffix; "" is the unnamed one."""
    isolate: bool = False
    same_subtree: list[frozenset[str]] = []
    root_required: list[frozenset[str]] = []
    root_forbidden: set[str] = set()
    limit: int | None = None


class Candidate(msgspec.Struct, frozen=True):
    allocations: Mapping[str, Mapping[str, int]]
    """provider → class → amount"""
    mappings: Mapping[str, Sequence[str]]
    """suffix → the providers that give it"""


class Finding:
    """What a request has found so far, some trees at a time."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.candidates: list[Candidate] = []
        self._most = MOST if request.limit is None else min(request.limit, MOST)
        self._seen: set[object] = set()
        self._left = TRIED

    @property
    def over(self) -> bool:
        return len(self.candidates) >= self._most or self._left <= 0

    def tries(self, choices: Sequence[Sequence[T]]) -> Iterator[tuple[T, ...]]:
        """Every combination of one of each, as long as there may be more."""
        for combination in itertools.product(*choices):
            if self._left <= 0:
                return
            self._left -= 1
            yield combination

    def add(self, candidate: Candidate) -> None:
        key = (
            frozenset((p, frozenset(r.items())) for p, r in candidate.allocations.items()),
            frozenset((s, frozenset(p)) for s, p in candidate.mappings.items()),
        )
        if key not in self._seen:
            self._seen.add(key)
            self.candidates.append(candidate)


class Search:
    """Among some trees of providers."""

    def __init__(self, providers: Iterable[Provider], roots: Collection[str] | None = None) -> None:
        """`roots`: only these trees are looked at; others are there for what they share."""
        self.providers = {each.id: each for each in providers}
        self.trees: dict[str, list[Provider]] = {}
        for each in self.providers.values():
            self.trees.setdefault(each.row.root_id, []).append(each)
        self._roots = list(self.trees) if roots is None else roots
        self._sharing = [each for each in self.providers.values() if SHARES in each.traits]

    def find(self, finding: Finding) -> None:
        for root_id in self._roots:
            if not self._root_fits(root_id, finding.request):
                continue
            for candidate in self._of_tree(self.trees[root_id], finding):
                finding.add(candidate)
                if finding.over:
                    return

    def _root_fits(self, root_id: str, request: Request) -> bool:
        root = self.providers.get(root_id)
        return root is not None and (
            all(wanted & root.traits for wanted in request.root_required)
            and not request.root_forbidden & root.traits
        )

    # --- one tree -------------------------------------------------------------------------------

    def _of_tree(self, tree: Sequence[Provider], finding: Finding) -> Iterator[Candidate]:
        request = finding.request
        own = {each.id for each in tree}
        near = {group for each in tree for group in each.aggregates}
        shared = [p for p in self._sharing if p.id not in own and p.aggregates & near]
        choices = []
        for suffix, group in request.groups.items():
            options = (
                self._spread(tree, shared, group, finding)
                if suffix == ""
                else self._single([*tree, *shared], group)
            )
            if not options:
                return
            choices.append([(suffix, option) for option in options])
        for combination in finding.tries(choices):
            candidate = self._joined(combination, request, own)
            if candidate is not None:
                yield candidate

    def _single(self, providers: Sequence[Provider], group: Group) -> list[dict[str, str]]:
        """A named group is given whole, by one provider."""
        found = []
        for each in providers:
            fits = self._may(each, group) and all(w & each.traits for w in group.required)
            if fits and all(_can(each, name, n) for name, n in group.resources.items()):
                found.append(dict.fromkeys(group.resources or {"": 0}, each.id))
        return found

    def _spread(
        self,
        tree: Sequence[Provider],
        shared: Sequence[Provider],
        group: Group,
        finding: Finding,
    ) -> list[dict[str, str]]:
        """The unnamed group: each class by any of them, and all traits by those together."""
        near = [each for each in [*tree, *shared] if self._may(each, group, tree=tree)]
        lists = []
        for name, amount in group.resources.items():
            able = [each.id for each in near if _can(each, name, amount)]
            lists.append([(name, id) for id in able])
        found = []
        for combination in finding.tries(lists):
            option = dict(combination)
            traits = {t for id in option.values() for t in self.providers[id].traits}
            in_tree = any(
                self.providers[id].row.root_id == tree[0].row.root_id for id in option.values()
            )
            if in_tree and all(wanted & traits for wanted in group.required):
                found.append(option)
                if len(found) == MOST:
                    break  # nobody is told of more, and other trees are to be tried, too
        return found

    def _may(self, each: Provider, group: Group, *, tree: Sequence[Provider] | None = None) -> bool:
        """`tree`: what its root is a member of counts for all of it."""
        members = each.aggregates
        if tree is not None:
            members = members | self.providers[tree[0].row.root_id].aggregates
        return (
            not group.forbidden & each.traits
            and all(wanted & members for wanted in group.member_of)
            and not group.not_member_of & members
            and (group.in_tree is None or self._in_tree(each, group.in_tree))
        )

    def _in_tree(self, each: Provider, id: str) -> bool:
        known = self.providers.get(id)
        return known is not None and known.row.root_id == each.row.root_id

    # --- together -------------------------------------------------------------------------------

    def _joined(
        self,
        combination: Sequence[tuple[str, dict[str, str]]],
        request: Request,
        own: set[str],
    ) -> Candidate | None:
        allocations: dict[str, dict[str, int]] = {}
        mappings: dict[str, list[str]] = {}
        for suffix, option in combination:
            for name, id in option.items():
                if name:
                    mine = allocations.setdefault(id, {})
                    mine[name] = mine.get(name, 0) + request.groups[suffix].resources[name]
            mappings[suffix] = list(dict.fromkeys(option.values()))
        if not own & set(allocations):
            return None
        named = [ids[0] for suffix, ids in mappings.items() if suffix]
        if request.isolate and len(set(named)) < len(named):
            return None
        if not all(self._one_subtree(group, mappings) for group in request.same_subtree):
            return None
        for id, amounts in allocations.items():
            if not all(_can(self.providers[id], name, n) for name, n in amounts.items()):
                return None
        return Candidate(allocations, mappings)

    def _one_subtree(self, suffixes: frozenset[str], mappings: Mapping[str, list[str]]) -> bool:
        """One of the providers of these groups is above (or is) each of the others."""
        ids = {id for suffix in suffixes for id in mappings.get(suffix, ())}
        return any(all(id in self._ancestry(other) for other in ids) for id in ids)

    def _ancestry(self, id: str) -> set[str]:
        found: set[str] = set()
        place: str | None = id
        while place is not None and place not in found:
            found.add(place)
            known = self.providers.get(place)
            place = None if known is None else known.row.parent_id
        return found


def _can(provider: Provider, name: str, amount: int) -> bool:
    row = provider.stock.get(name)
    return (
        row is not None
        and amount <= row.free
        and row.min_unit <= amount <= row.max_unit
        and amount % row.step_size == 0
    )
