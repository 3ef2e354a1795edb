"""Explanations say what the rules decide, and why."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo.core.auth.explain import explain
from cumulo.core.auth.policy import Rules

CHECKS = st.sampled_from(
    [
        "@",
        "!",
        "role:admin",
        "role:reader",
        "rule:owner",
        "rule:absent",
        "project_id:%(project_id)s",
        "user_id:%(target.user.id)s",
        "'a':%(name)s",
        "system_scope:all",
    ]
)
RULES = st.recursive(
    CHECKS,
    lambda inner: (
        st.builds("not {}".format, CHECKS)
        | st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
    ),
    max_leaves=8,
)
CREDENTIALS = st.fixed_dictionaries(
    {
        "roles": st.lists(st.sampled_from(["admin", "reader", "member"]), max_size=2),
        "project_id": st.sampled_from(["p", "q", None]),
        "user_id": st.sampled_from(["u", "v"]),
        "system_scope": st.sampled_from(["all", None]),
    }
)
TARGETS = st.dictionaries(
    st.sampled_from(["project_id", "target.user.id", "name"]),
    st.sampled_from(["p", "u", "a", "x"]),
)


@settings(max_examples=300, deadline=None)
@given(RULES, CREDENTIALS, TARGETS)
def test_the_explanation_agrees(
    text: str, credentials: dict[str, Any], target: dict[str, Any]
) -> None:
    rules = Rules({"it": text, "owner": "user_id:%(target.user.id)s or role:admin"})
    assert explain(rules, "it", credentials, target).holds == rules.allows(
        "it", credentials, target
    )


def test_it_names_what_was_compared() -> None:
    rules = Rules({"it": "rule:own and role:member", "own": "project_id:%(project_id)s"})
    credentials = {"roles": ["reader"], "project_id": "mine"}
    reason = explain(rules, "it", credentials, {"project_id": "yours"})
    assert reason.lines() == [
        "no  it",
        "  no  all of",
        "    no  rule:own",
        "      no  project_id:%(project_id)s    (project_id is mine; project_id is yours)",
        "    no  role:member    (has: reader)",
    ]
