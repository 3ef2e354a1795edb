"""The policy language against oslo.policy, the real thing, on random rules and requests."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from oslo_config import cfg
from oslo_policy import policy as oslo

from cumulo.core.auth.policy import RoleNames, Rules
from cumulo.core.auth.rules import text_of

NAMES = ["user_id", "project_id", "domain_id", "system_scope", "is_admin", "token", "owner"]
WORDS = ["admin", "Member", "u1", "u2", "p1", "all", "True", "None", "7", "target.id"]
RULES = ["r0", "r1", "r2", "r3", "default"]

places = st.sampled_from([*NAMES, "target.id", "role.name"]).map(lambda key: f"%({key})s")
matches = st.one_of(
    st.sampled_from(WORDS), places, st.tuples(places, st.sampled_from(WORDS), places).map("-".join)
)
LITERALS = ["True", "None", "'admin'", '"u1"', "7", "-7", "1.5"]
PATHS = ["token.id", "user-id", "token.user.id", "token.roles.name", "token.tags", "token.user"]
kinds = st.sampled_from([*NAMES, *LITERALS, *PATHS, "role"])
checks = st.one_of(
    st.just("@"),
    st.just("!"),
    st.tuples(kinds, matches).map(":".join),
    st.sampled_from(["role:admin", "role:MEMBER", "is_admin:True", "system_scope:all"]),
)


def trees(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaves,
        lambda part: st.one_of(
            part.map(lambda text: f"not {text}"),
            part.map(lambda text: f"({text})"),
            part.map(lambda text: f"( {text} )"),
            st.lists(part, min_size=2, max_size=4).map(" and ".join),
            st.lists(part, min_size=2, max_size=4).map(" or ".join),
            st.tuples(part, part, part).map(lambda p: f"{p[0]} OR {p[1]} And {p[2]}"),
        ),
        max_leaves=12,
    )


@st.composite
def rule_sets(draw: st.DrawFn) -> dict[str, Any]:
    """Rules that refer only to earlier ones (or to none there is), so that there is no circle."""
    rules: dict[str, Any] = {}
    for position, name in enumerate(RULES):
        known = [f"rule:{earlier}" for earlier in RULES[:position]]
        leaves = checks if not known else st.one_of(checks, st.sampled_from(known))
        lists = st.lists(st.one_of(checks, st.lists(checks, max_size=3)), max_size=3)
        rules[name] = draw(st.one_of(trees(leaves), st.just(""), lists))
    if draw(st.booleans()):
        rules["late"] = "rule:nowhere or role:admin"
    else:
        del rules["default"]
        rules["late"] = "not rule:nowhere"
    return rules


values = st.one_of(st.sampled_from(["u1", "u2", "p1", "all", "admin"]), st.none(), st.booleans())
scalars = st.one_of(values, st.integers(-7, 7), st.floats(allow_nan=False))
tokens = st.fixed_dictionaries(
    {},
    optional={
        "id": scalars,
        "tags": st.lists(values, max_size=2),
        "user": st.fixed_dictionaries({}, optional={"id": scalars}),
        "roles": st.lists(
            st.fixed_dictionaries({}, optional={"name": st.sampled_from(WORDS)}), max_size=3
        ),
    },
)
credentials = st.fixed_dictionaries(
    {"token": tokens},
    optional={
        "roles": st.lists(st.sampled_from(["admin", "Admin", "member", "reader", "u1"])),
        **{name: scalars for name in NAMES if name != "token"},
    },
)
targets = st.dictionaries(st.sampled_from([*NAMES, "target.id", "role.name"]), scalars)


ENFORCER = oslo.Enforcer(cfg.ConfigOpts(), rules=None, use_conf=False, default_rule="default")


def oracle(rules: dict[str, Any]) -> oslo.Enforcer:
    loaded = oslo.Rules.from_dict(rules, default_rule="default")
    ENFORCER.set_rules(loaded, overwrite=True, use_conf=False)
    return ENFORCER


@settings(max_examples=60, deadline=None)
@given(rule_sets(), st.lists(st.tuples(credentials, targets), min_size=1, max_size=6))
def test_agrees_with_oslo_policy(
    rules: dict[str, Any], requests: list[tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    ours = Rules({}, rules)
    theirs = oracle(rules)
    for who, what in requests:
        # oslo.policy writes `system` into the credentials it is given.
        scoped = {**who, "system": who["system_scope"]} if who.get("system_scope") else who
        for action in [*rules, "unknown"]:
            expected = bool(theirs.enforce(action, what, copy.deepcopy(who)))
            assert ours.allows(action, scoped, what) is expected, (action, rules)
            quick = {**scoped, "roles": RoleNames(who.get("roles", ()))}
            assert ours.allows(action, quick, what) is expected, (action, rules)


@settings(max_examples=30, deadline=None)
@given(rule_sets())
def test_texts_of_lists_read_back_as_the_same(rules: dict[str, Any]) -> None:
    texts = {name: text_of(rule) for name, rule in rules.items()}
    ours = Rules(texts)
    assert all(ours.text(name) == text for name, text in texts.items())


def test_the_oracle_allows_something() -> None:
    """A misloaded oslo.policy denies everything, and would agree with anything that does."""
    assert oracle({"a": "role:admin"}).enforce("a", {}, {"roles": ["admin"]})
    assert not oracle({"a": "role:admin"}).enforce("a", {}, {"roles": ["reader"]})
