"""From an LDAP entry to a user or group: pure functions of the options and the entry."""

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from ldap3.operation.search import parse_filter
from ldap3.protocol.convert import prepare_filter_for_sending

from cumulo.identity.drivers.ldap import canonical, escape, person_of, team_of
from cumulo.identity.model.directory_options import DirectoryOptions, options_of
from cumulo.identity.service.domain_config import DEFAULTS

DN = "cn=Ann,ou=Users,dc=firm"


def options(**more: Any) -> DirectoryOptions:
    return options_of({**DEFAULTS["ldap"], **more})


def entry(**values: str | bytes | list[Any]) -> dict[str, list[bytes]]:
    found = {}
    for name, given in values.items():
        many = given if isinstance(given, list) else [given]
        found[name.lower()] = [v.encode() if isinstance(v, str) else v for v in many]
    return found


ANN = entry(cn="Ann", sn="ann")


@pytest.mark.parametrize(
    ("more", "value", "enabled"),
    [
        # keystone's defaults: an attribute with a truth, true where there is none
        ({}, None, True),
        ({}, "TRUE", True),
        ({}, "False", False),
        ({}, "nonsense", False),
        ({"user_enabled_default": "False"}, None, False),
        # 389 Directory Server: nsAccountLock says the opposite
        ({"user_enabled_invert": True, "user_enabled_default": "False"}, None, True),
        ({"user_enabled_invert": True}, "TRUE", False),
        ({"user_enabled_invert": True}, "FALSE", True),
        # Active Directory: bit 2 of userAccountControl is "disabled"
        ({"user_enabled_mask": 2, "user_enabled_default": "512"}, "512", True),
        ({"user_enabled_mask": "2", "user_enabled_default": "512"}, "514", False),
        ({"user_enabled_mask": 2, "user_enabled_default": "512"}, None, True),
        ({"user_enabled_mask": 2, "user_enabled_default": "512"}, "nonsense", False),
        ({"user_attribute_ignore": ["enabled"]}, "FALSE", True),
    ],
)
def test_who_is_enabled(more: dict[str, Any], value: str | None, enabled: bool) -> None:
    values = ANN if value is None else {**ANN, **entry(enabled=value)}
    person = person_of(options(**more), DN, values, None)
    assert person is not None and person.enabled is enabled


def test_a_group_says_it_whatever_the_attribute_says() -> None:
    wanted = options(user_enabled_emulation=True)
    assert wanted.emulation_dn == "cn=enabled_users,ou=Users,cn=example,cn=com"
    values = {**ANN, **entry(enabled="FALSE")}
    person = person_of(wanted, DN, values, frozenset({canonical("CN=ann, OU=users,dc=Firm")}))
    assert person is not None and person.enabled
    person = person_of(wanted, DN, values, frozenset())
    assert person is not None and not person.enabled


def test_ids() -> None:
    """Of many values the one that names the entry; bytes that are no text as digits."""
    person = person_of(options(), DN, entry(cn=["Anna", "Ann"], sn="ann"), None)
    assert person is not None and person.local_id == "Ann"
    guid = bytes(range(240, 256))
    wanted = options(user_id_attribute="objectGUID")
    person = person_of(wanted, DN, entry(objectGUID=guid, sn="ann"), None)
    assert person is not None and person.local_id == guid.hex()


@pytest.mark.parametrize("values", [{"cn": "Ann"}, {"sn": "ann"}, {"cn": "x" * 256, "sn": "ann"}])
def test_an_entry_without_id_or_name_is_nobody(values: dict[str, Any]) -> None:
    assert person_of(options(), DN, entry(**values), None) is None
    assert team_of(options(), DN, entry(**values), {}) is None


def test_attributes_that_are_mapped_besides() -> None:
    values = {**ANN, **entry(mail=["a@x", "b@x"], description="boss", l="Rome", project="p1")}
    more = {"user_additional_attribute_mapping": ["l:city"], "user_attribute_ignore": []}
    wanted = options(**more, user_default_project_id_attribute="project")
    person = person_of(wanted, DN, values, None)
    assert person is not None
    assert person.extra == {"email": "a@x", "description": "boss", "city": "Rome"}
    assert person.default_project_id == "p1"
    wanted = options(user_attribute_ignore=["email", "description"])
    person = person_of(wanted, DN, values, None)
    assert person is not None and person.extra == {} and person.default_project_id is None


def test_members() -> None:
    values = entry(cn="staff", ou="Staff", member=["CN=ann,OU=Users, DC=firm", "cn=unknown"])
    team = team_of(options(), "cn=staff", values, {canonical(DN): "7"})
    assert team is not None and (team.name, team.members) == ("Staff", frozenset({"7"}))


@hypothesis.given(st.text(min_size=1))
def test_no_name_is_more_than_a_value_in_a_filter(name: str) -> None:
    """ldap3's own parser sees one comparison with exactly this name, whatever it is."""
    text = f"(&(objectClass=x)(uid={escape(name)}))"
    found = parse_filter(text, None, True, True, None, False).elements[0]
    assert len(found.elements) == 2
    said = found.elements[1].assertion
    assert said["attr"] == "uid"
    assert prepare_filter_for_sending(said["value"]) == name.encode("utf-8", "surrogatepass")


@hypothesis.given(st.text(max_size=30))
def test_any_text_can_be_compared_as_a_dn(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)
