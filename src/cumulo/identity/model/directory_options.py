"""The options of a directory (domain configuration, group `ldap`), read strictly.

Names and defaults are keystone's. Values may come as JSON or as the texts of a configuration file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RESERVED = ("id", "name", "domain_id", "enabled", "password", "options", "links", "federated")
"""Attributes of a user that no additional mapping may set."""


class BadOptions(ValueError):
    """An option's value means nothing; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Where users or groups are found, and which attributes mean what; "" where none does."""

    tree: str
    tree_is_given: bool
    filter: str
    objectclass: str
    id: str
    name: str
    description: str
    additional: tuple[tuple[str, str], ...]
    """(attribute of the directory, attribute here)"""


@dataclass(frozen=True, slots=True)
class DirectoryOptions:
    urls: tuple[str, ...]
    user: str
    password: str
    subtree: bool
    page_size: int
    dereference: str
    timeout: int
    """Seconds for a connection, and for each answer."""
    use_tls: bool
    tls_cacertfile: str
    tls_cacertdir: str
    tls_req_cert: str
    users: Kind
    mail: str
    default_project_id: str
    enabled: str
    enabled_mask: int
    enabled_default: str
    enabled_invert: bool
    emulation_dn: str
    """The group whose members are the enabled users; "": an attribute says it."""
    emulation_class: str
    emulation_member: str
    groups: Kind
    member: str
    members_are_ids: bool


def options_of(given: Mapping[str, Any]) -> DirectoryOptions:
    """`given`: the whole group `ldap`, defaults filled in. Raises BadOptions."""
    read = _Reader(given)
    if read.flag("chase_referrals"):
        raise BadOptions("chase_referrals: referrals are not followed, name the server itself")
    users, groups = read.kind("user", "Users"), read.kind("group", "UserGroups")
    use_group = read.flag("user_enabled_emulation_use_group_config")
    emulation = read.text("user_enabled_emulation_dn") or f"cn=enabled_users,{users.tree}"
    urls = tuple(each.strip().rstrip("/") for each in read.text("url").split(",") if each.strip())
    use_tls = read.flag("use_tls")
    if use_tls and any(url.lower().startswith("ldaps://") for url in urls):
        raise BadOptions("use_tls: an ldaps:// url is encrypted already")
    ignored = read.names("user_attribute_ignore")
    timeout = read.number("pool_connection_timeout", least=-1)
    return DirectoryOptions(
        urls=urls,
        user=read.text("user"),
        password=read.text("password"),
        subtree=read.one_of("query_scope", ("one", "sub")) == "sub",
        page_size=min(read.number("page_size"), 1000) or 500,
        dereference=read.one_of(
            "alias_dereferencing", ("default", "never", "searching", "finding", "always")
        ),
        timeout=timeout if 0 < timeout <= 60 else 10,
        use_tls=use_tls,
        tls_cacertfile=read.text("tls_cacertfile"),
        tls_cacertdir=read.text("tls_cacertdir"),
        tls_req_cert=read.one_of("tls_req_cert", ("demand", "allow", "never")),
        users=users,
        mail="" if "email" in ignored else read.text("user_mail_attribute"),
        default_project_id=(
            ""
            if "default_project_id" in ignored
            else read.text("user_default_project_id_attribute")
        ),
        enabled="" if "enabled" in ignored else read.text("user_enabled_attribute"),
        enabled_mask=read.number("user_enabled_mask"),
        enabled_default=read.text("user_enabled_default"),
        enabled_invert=read.flag("user_enabled_invert"),
        emulation_dn=emulation if read.flag("user_enabled_emulation") else "",
        emulation_class=groups.objectclass if use_group else "groupOfNames",
        emulation_member=read.text("group_member_attribute") if use_group else "member",
        groups=groups,
        member=read.text("group_member_attribute"),
        members_are_ids=read.flag("group_members_are_ids"),
    )


class _Reader:
    """Options by name, as what they should be."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def text(self, name: str) -> str:
        value = self._given.get(name)
        if value is None:
            return ""
        if isinstance(value, bool | int | float):
            return str(value)
        if not isinstance(value, str) or "\0" in value:
            raise BadOptions(f"{name}: {value!r} is not a text")
        return value.strip()

    def flag(self, name: str) -> bool:
        value = self.text(name).lower()
        if value in ("true", "1", "yes", "on"):
            return True
        if value in ("", "false", "0", "no", "off"):
            return False
        raise BadOptions(f"{name}: {value!r} is neither true nor false")

    def number(self, name: str, least: int = 0) -> int:
        value = self.text(name) or "0"
        try:
            found = int(float(value)) if len(value) < 20 else least - 1
        except (ValueError, OverflowError):
            found = least - 1
        if found < least:
            raise BadOptions(f"{name}: {value!r} is not a number from {least}")
        return found

    def one_of(self, name: str, known: tuple[str, ...]) -> str:
        value = self.text(name).lower()
        if value not in known:
            raise BadOptions(f"{name}: {value!r} is not one of {', '.join(known)}")
        return value

    def names(self, name: str) -> list[str]:
        value = self._given.get(name) or []
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise BadOptions(f"{name}: {value!r} is not a list of names")
        return [each.strip() for each in value if each.strip()]

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        found = []
        for each in self.names(name):
            theirs, mark, ours = each.partition(":")
            if not theirs or not mark or not ours or ours in RESERVED:
                raise BadOptions(f"{name}: {each!r} is not THEIRS:OURS, or OURS is taken")
            found.append((theirs, ours))
        return tuple(found)

    def kind(self, noun: str, default_unit: str) -> Kind:
        tree = self.text(f"{noun}_tree_dn")
        filter = self.text(f"{noun}_filter")
        if filter and not (filter.startswith("(") and filter.endswith(")")):
            raise BadOptions(f"{noun}_filter: {filter!r} is not in parentheses")
        ignored = self.names(f"{noun}_attribute_ignore")
        described = "user_description_attribute" if noun == "user" else "group_desc_attribute"
        made = Kind(
            tree=tree or f"ou={default_unit},{self.text('suffix')}",
            tree_is_given=bool(tree),
            filter=filter,
            objectclass=self.text(f"{noun}_objectclass"),
            id=self.text(f"{noun}_id_attribute"),
            name=self.text(f"{noun}_name_attribute"),
            description="" if "description" in ignored else self.text(described),
            additional=self.pairs(f"{noun}_additional_attribute_mapping"),
        )
        attributes = [made.id, made.name, made.description, *(a for a, _ in made.additional)]
        if not (made.objectclass and made.id and made.name):
            raise BadOptions(f"{noun}: objectclass, id and name attributes cannot be empty")
        for attribute in (made.objectclass, *attributes):
            if attribute and not all(c.isalnum() or c in "-;._" for c in attribute):
                raise BadOptions(f"{noun}: {attribute!r} is not the name of an attribute")
        return made
