"""Allocation candidates: how much is tried for one request."""

from cumulo.placement.model.provider import InventoryRow, ProviderRow
from cumulo.placement.service.search import MOST, TRIED, Finding, Group, Provider, Request, Search

NOW = "2026-11-30T00:00:00.000000Z"


def provider(name: str, root: str) -> Provider:
    row = ProviderRow(
        id=name,
        name=name,
        generation=0,
        root_id=root,
        parent_id=None if name == root else root,
        created_at=NOW,
        updated_at=NOW,
    )
    stock = InventoryRow(
        provider_id=name,
        resource_class="NET",
        total=1,
        reserved=0,
        min_unit=1,
        max_unit=1,
        step_size=1,
        allocation_ratio=1.0,
        capacity=1,
        used=0,
        free=1,
    )
    return Provider(row, {"NET": stock}, frozenset(), frozenset())


def test_a_request_tries_so_many_combinations_of_all_trees() -> None:
    """Eight groups that must be of different providers, in trees of seven: none can be given, and
    each tree alone has millions of combinations."""
    groups = {f"_{n}": Group(resources={"NET": 1}) for n in range(8)}
    trees = [provider(f"{t}.{n}", f"{t}.0") for t in range(5) for n in range(7)]
    finding = Finding(Request(groups=groups, isolate=True))
    search = Search(trees)
    search.find(finding)
    assert finding.over and finding.candidates == []
    again = Finding(Request(groups=dict(list(groups.items())[:2]), isolate=True, limit=9))
    search.find(again)
    assert len(again.candidates) == 9
    assert TRIED < 7**8


def test_a_tree_with_many_like_children_is_not_too_much() -> None:
    """Each of three classes may come from any of 40: more combinations than are tried."""
    names = ("A", "B", "C")
    tree = [provider(f"0.{n}", "0.0") for n in range(40)]
    stock = dict.fromkeys(names, tree[0].stock["NET"])
    tree = [Provider(each.row, stock, each.traits, each.aggregates) for each in tree]
    groups = {"": Group(resources=dict.fromkeys(names, 1))}
    assert TRIED < 40**3
    for limit, wanted in ((1, 1), (None, MOST)):
        finding = Finding(Request(groups=groups, limit=limit))
        Search(tree).find(finding)
        assert len(finding.candidates) == wanted
