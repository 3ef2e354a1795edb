"""Allocation candidates on the wire: the query's groups, and what is answered for each version."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.placement.api.common import (
    asked_members,
    asked_resources,
    asked_trait_sets,
    at,
    fresh,
    uuid_of,
)
from cumulo.placement.model.provider import ProviderRow
from cumulo.placement.service.placement import PlacementService
from cumulo.placement.service.search import (
    SHARES,
    Candidate,
    Finding,
    Group,
    Provider,
    Request,
    Search,
)

TREES = 100
"""That are read at once."""

_NUMBERED = re.compile(r"(resources|required|member_of|in_tree)([1-9][0-9]*)?")
_NAMED = re.compile(r"(resources|required|member_of|in_tree)([a-zA-Z0-9_-]{1,64})?")
_WHOLE = {"limit": 16, "group_policy": 25, "root_required": 35, "same_subtree": 36}
"""Parameters of the request as a whole, and since which version."""


class CandidatesApi:
    def __init__(self, placement: PlacementService) -> None:
        self._placement = placement
        self._providers = placement.providers

    def operations(self) -> list[Operation]:
        return [
            Operation(
                "GET",
                "/allocation_candidates",
                self.candidates,
                policy="placement:allocation_candidates:list",
                since="1.10",
                kind="heavy",
            )
        ]

    def candidates(self, call: Call, tx: Tx) -> Reply:
        request = _Query(call).request()
        self._check_names(tx, request)
        finding = Finding(request)
        summaries: dict[str, Any] = {}
        for search in self._searches(tx):
            before = len(finding.candidates)
            search.find(finding)
            summaries |= self._summaries(call, search, finding.candidates[before:], request)
            if finding.over:
                break
        body = {
            "allocation_requests": [_asked(call, each) for each in finding.candidates],
            "provider_summaries": summaries,
        }
        return fresh(body, ())

    def _searches(self, tx: Tx) -> Iterator[Search]:
        """Some trees at a time, each with all that others share: who finds enough in the first
        ones reads no more."""
        sharing = self._providers.trees_with(tx, SHARES)
        marker: ProviderRow | None = None
        while True:
            roots = self._providers.listing.page(
                tx, where={"is_root": True}, marker=marker, limit=TREES
            )
            if not roots:
                return
            ids = [row.id for row in roots]
            yield Search(self._known(tx, [*ids, *sharing]), ids)
            if len(roots) < TREES:
                return
            marker = roots[-1]

    def _known(self, tx: Tx, roots: Sequence[str]) -> list[Provider]:
        rows = self._providers.listing.page(tx, where={"root_ids": sorted(set(roots))})
        ids = [row.id for row in rows]
        stock = self._providers.inventories(tx, ids)
        traits = self._providers.traits(tx, ids)
        members = self._providers.aggregates(tx, ids)
        return [
            Provider(
                row,
                {each.resource_class: each for each in stock[row.id]},
                frozenset(traits[row.id]),
                frozenset(members[row.id]),
            )
            for row in rows
        ]

    def _check_names(self, tx: Tx, request: Request) -> None:
        classes = {name for group in request.groups.values() for name in group.resources}
        unknown = sorted(classes - set(self._providers.classes(tx)))
        if unknown:
            raise BadRequest(f"Invalid resource class in resources parameter: {', '.join(unknown)}")
        traits = {t for group in request.groups.values() for each in group.required for t in each}
        traits |= {t for group in request.groups.values() for t in group.forbidden}
        traits |= {t for each in request.root_required for t in each} | request.root_forbidden
        strange = sorted(traits - self._providers.known_traits(tx))
        if strange:
            raise BadRequest(f"No such trait(s): {', '.join(strange)}.")

    def _summaries(
        self, call: Call, search: Search, found: list[Candidate], request: Request
    ) -> dict[str, Any]:
        """Of the providers that were found; since 1.29 of all of their trees."""
        used = {id for each in found for id in each.allocations}
        used |= {id for each in found for ids in each.mappings.values() for id in ids}
        if at(call, 29):
            roots = {search.providers[id].row.root_id for id in used}
            used = {each.id for root in roots for each in search.trees[root]}
        asked = {name for group in request.groups.values() for name in group.resources}
        return {
            id: _summary(call, provider, asked)
            for id, provider in search.providers.items()
            if id in used
        }


def _summary(call: Call, provider: Provider, asked: set[str]) -> dict[str, Any]:
    """Since 1.27 with classes that were not asked for, too."""
    body: dict[str, Any] = {
        "resources": {
            name: {"capacity": row.capacity, "used": row.used}
            for name, row in provider.stock.items()
            if at(call, 27) or name in asked
        }
    }
    if at(call, 17):
        body["traits"] = sorted(provider.traits)
    if at(call, 29):
        body["parent_provider_uuid"] = provider.row.parent_id
        body["root_provider_uuid"] = provider.row.root_id
    return body


def _asked(call: Call, candidate: Candidate) -> dict[str, Any]:
    """A body for PUT /allocations, but for the consumer."""
    if not at(call, 12):
        return {
            "allocations": [
                {"resource_provider": {"uuid": id}, "resources": resources}
                for id, resources in candidate.allocations.items()
            ]
        }
    body: dict[str, Any] = {
        "allocations": {id: {"resources": r} for id, r in candidate.allocations.items()}
    }
    if at(call, 34):
        body["mappings"] = candidate.mappings
    return body


class _Query:
    """The query string, group by group."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._groups: dict[str, Group] = {}
        pattern = _NAMED if at(call, 33) else _NUMBERED
        for name, value in call.query.pairs:
            since = _WHOLE.get(name)
            if since is not None and at(call, since):
                continue
            match = pattern.fullmatch(name)
            if match is None or (match[1] == "in_tree" and not at(call, 31)):
                raise BadRequest(f"Invalid query string parameters: '{name:.80}' was unexpected")
            self._take(match[1], match[2] or "", value)

    def _take(self, kind: str, suffix: str, value: str) -> None:
        if suffix and not at(self._call, 25):
            raise BadRequest(f"Invalid query string parameters: '{kind}{suffix}' was unexpected")
        group = self._groups.setdefault(
            suffix,
            Group(resources={}, required=[], forbidden=set(), member_of=[], not_member_of=set()),
        )
        if kind == "resources":
            for name, amount in asked_resources(value).items():
                group.resources[name] = amount
        elif kind == "required":
            required, forbidden = asked_trait_sets(self._call, [value])
            group.required += required
            group.forbidden |= forbidden
        elif kind == "member_of":
            wanted, unwanted = asked_members(self._call, [value])
            group.member_of += wanted
            group.not_member_of |= unwanted
        else:
            group.in_tree = uuid_of(value, "in_tree")

    def request(self) -> Request:
        call, groups = self._call, self._groups
        if not any(group.resources for group in groups.values()):
            raise BadRequest("Invalid query string parameters: 'resources' is a required property")
        subtrees = self._subtrees()
        in_subtrees = {suffix for each in subtrees for suffix in each}
        for suffix, group in groups.items():
            if not group.resources and (suffix == "" or suffix not in in_subtrees):
                raise BadRequest(
                    "All request groups must specify resources: "
                    f"'{suffix or 'the unsuffixed one'}' does not."
                )
            for wanted in group.required:
                if len(wanted) == 1 and wanted & group.forbidden:
                    raise BadRequest(
                        "Conflicting required and forbidden traits found in the following traits "
                        f"keys: required{suffix}: ({', '.join(sorted(wanted))})"
                    )
        policy = call.query.get("group_policy")
        named = [suffix for suffix, group in groups.items() if suffix and group.resources]
        if policy not in (None, "none", "isolate"):
            raise BadRequest("Invalid query string parameters: group_policy is none or isolate")
        if len(named) > 1 and policy is None:
            raise BadRequest(
                'The "group_policy" parameter is required when specifying more than one '
                '"resources{N}" parameter.'
            )
        root_required, root_forbidden = self._root()
        return Request(
            groups=groups,
            isolate=policy == "isolate",
            same_subtree=subtrees,
            root_required=root_required,
            root_forbidden=root_forbidden,
            limit=self._limit(),
        )

    def _subtrees(self) -> list[frozenset[str]]:
        found = []
        for value in self._call.query.all("same_subtree"):
            suffixes = value.split(",")
            unknown = sorted(set(suffixes) - set(self._groups))
            if "" in suffixes:
                raise BadRequest("Empty string (unsuffixed group) not allowed in `same_subtree`.")
            if unknown:
                raise BadRequest(
                    f"Real suffixes should be specified in `same_subtree`: {', '.join(unknown)} "
                    "not found in input."
                )
            found.append(frozenset(suffixes))
        return found

    def _root(self) -> tuple[list[frozenset[str]], set[str]]:
        values = self._call.query.all("root_required")
        if len(values) > 1:
            raise BadRequest("Query parameter 'root_required' may be specified only once.")
        return asked_trait_sets(self._call, values)

    def _limit(self) -> int | None:
        text = self._call.query.get("limit")
        if text is None:
            return None
        limit = whole_or_none(text)
        if limit is None or limit < 1:
            raise BadRequest("Invalid query string parameters: limit must be a positive integer")
        return limit
