"""The mapping language, rule by rule."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cumulo.core.faults import BadRequest
from cumulo.identity.service.federation.mapping import (
    Domain,
    Mapped,
    NamedGroup,
    SchemaVersion,
    apply_rules,
    check_rules,
)

BOB = {"UserName": "bob", "FirstName": "Bob", "LastName": "Thompson", "Groups": "dev;ops;root"}


def mapped(
    *rules: dict[str, Any], who: dict[str, str] = BOB, version: SchemaVersion = "1.0"
) -> Mapped:
    return apply_rules(check_rules(list(rules), version), who, version, "m")


def rule(local: Any, *remote: dict[str, Any]) -> dict[str, Any]:
    return {"local": local if isinstance(local, list) else [local], "remote": list(remote)}


NAME = {"type": "UserName"}
USER = {"user": {"name": "{0}"}}


def test_values_take_the_places_in_order() -> None:
    local = {"user": {"name": "{0} {1}", "email": "{2}@example.org"}}
    found = mapped(rule(local, {"type": "FirstName"}, {"type": "LastName"}, NAME))
    assert (found.user_name, found.email) == ("Bob Thompson", "bob@example.org")


def test_places_without_a_number_count_themselves() -> None:
    found = mapped(rule({"user": {"name": "{} {}"}}, {"type": "FirstName"}, {"type": "LastName"}))
    assert found.user_name == "Bob Thompson"


def test_conditions_take_no_place() -> None:
    remote = [{"type": "Groups", "any_one_of": ["dev"]}, NAME]
    assert mapped(rule(USER, *remote)).user_name == "bob"


def test_groups_are_added_up_and_the_first_user_wins() -> None:
    found = mapped(
        rule([USER, {"group": {"id": "g1"}}], NAME),
        rule({"user": {"name": "second"}, "group": {"id": "g2"}}, NAME),
    )
    assert (found.user_name, found.group_ids) == ("bob", ("g1", "g2"))


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ({"whitelist": ["dev", "qa"]}, ["dev"]),
        ({"blacklist": ["root"]}, ["dev", "ops"]),
        ({"blacklist": ["^r", "^o"], "regex": True}, ["dev"]),
        ({"whitelist": ["^..v$"], "regex": True}, ["dev"]),
        ({}, ["dev", "ops", "root"]),
        ({"whitelist": ["nothing"]}, []),
    ],
)
def test_lists_of_groups(condition: dict[str, Any], kept: list[str]) -> None:
    local = [USER, {"groups": "{1}", "domain": {"name": "d"}}]
    found = mapped(rule(local, NAME, {"type": "Groups", **condition}))
    assert [group.name for group in found.groups] == kept
    assert all(group.domain_name == "d" for group in found.groups)


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ({"any_one_of": ["ops", "x"]}, True),
        ({"any_one_of": ["x"]}, False),
        ({"not_any_of": ["x"]}, True),
        ({"not_any_of": ["ops"]}, False),
        ({"any_one_of": ["^o.s$"], "regex": True}, True),
        ({"not_any_of": ["^o.s$"], "regex": True}, False),
    ],
)
def test_whether_a_rule_applies(condition: dict[str, Any], applies: bool) -> None:
    wanted = rule(USER, NAME, {"type": "Groups", **condition})
    if applies:
        assert mapped(wanted).user_name == "bob"
    else:
        with pytest.raises(BadRequest, match="Could not map"):
            mapped(wanted)


def test_an_absent_attribute_is_no_match_even_for_not_any_of() -> None:
    with pytest.raises(BadRequest):
        mapped(rule(USER, NAME, {"type": "Absent", "not_any_of": ["x"]}))


def test_group_ids_may_be_many() -> None:
    found = mapped(rule([USER, {"group_ids": "{1}"}], NAME, {"type": "Groups"}))
    assert found.group_ids == ("dev", "ops", "root")


def test_a_list_that_the_provider_spells_out_is_one_name() -> None:
    who = {**BOB, "Groups": "['admins', 'root']"}
    local = [USER, {"groups": "{1}", "domain": {"id": "d"}}]
    found = mapped(rule(local, NAME, {"type": "Groups"}), who=who)
    assert found.groups == (NamedGroup("['admins', 'root']", "d", None),)


def test_a_list_in_the_rule_is_a_list() -> None:
    local = [USER, {"groups": "['dev-{0}', 'all']", "domain": {"id": "d"}}]
    assert [each.name for each in mapped(rule(local, NAME)).groups] == ["dev-bob", "all"]


def test_places_cannot_reach_into_python() -> None:
    found = mapped(rule({"user": {"name": "{0.__class__}{0!r}"}}, NAME))
    assert found.user_name == "{0.__class__}{0!r}"


def test_a_place_that_nothing_fills() -> None:
    with pytest.raises(BadRequest, match="doesn't exist"):
        mapped(rule({"user": {"name": "{3}"}}, NAME))


def test_groups_need_a_domain() -> None:
    with pytest.raises(BadRequest, match="'groups' and 'domain'"):
        mapped(rule([USER, {"groups": "{0}"}], NAME))


def test_projects_and_domains() -> None:
    projects = [{"name": "home of {0}", "roles": [{"name": "member"}, {"name": "reader"}]}]
    local = {"user": {"name": "{0}"}, "projects": projects, "domain": {"name": "people"}}
    first = mapped(rule(local, NAME))
    assert first.projects[0].name == "home of bob"
    assert first.projects[0].roles == ("member", "reader")
    assert (first.user_domain, first.projects[0].domain) == (None, None)
    second = mapped(rule(local, NAME), version="2.0")
    assert second.user_domain == second.projects[0].domain == Domain(None, "people")


def test_local_users() -> None:
    local = {"user": {"name": "{0}", "type": "local", "domain": {"id": "default"}}}
    found = mapped(rule(local, NAME))
    assert found.local
    assert found.user_domain == Domain("default", None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["local", "remote", "type", "user", "name", "groups", "regex", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_rules_are_understood_or_refused(rules: Any) -> None:
    try:
        understood = check_rules(rules, "2.0")
    except BadRequest:
        return
    try:
        apply_rules(understood, BOB, "2.0", "m")
    except BadRequest:
        return
