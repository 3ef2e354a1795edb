"""Who may do what: an account's owner, access lists of containers, and signatures.

The order is Swift's: whoever may everything, then the container's lists, then the roles in the
account's own project. What is refused is 403 for somebody who is known, and 401 for nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from cumulo.core.auth.principal import Principal
from cumulo.object_store.model import acl
from cumulo.object_store.model.account import project_of
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import Denied, NeedsLogin

Verb = Literal["read", "list", "write"]
NAMES_IN = "default"
"""The domain whose users and projects access lists may name by name: names are unique there."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature in a URL gives: an account, or only a container of it."""

    account: str
    container: str | None = None


@dataclass(slots=True)
class Access:
    """One caller at one account. `rule(name)`: does a policy rule allow it, with the account's
    project as its target?"""

    account: str
    who: Principal | None
    rule: Callable[[str], bool]
    referer: str = ""
    signed: Signed | None = None
    _owner: bool | None = field(default=None, init=False)

    @property
    def owner(self) -> bool:
        """May change everything in the account, and sees its keys."""
        if self._owner is None:
            self._owner = self.who is not None and (
                self.reseller or self.rule("object_store:operate")
            )
        return self._owner

    @property
    def reseller(self) -> bool:
        """May everything in every account."""
        return self.who is not None and self.rule("object_store:resell")

    def check_account(self, *, writing: bool) -> None:
        """Raises Denied or NeedsLogin."""
        if not self.owner and (writing or not self._reads_all()):
            raise self.refusal()

    def check(self, verb: Verb, container: ContainerRow | None, name: str) -> None:
        """For an object or a listing in a container, which may not be there (None)."""
        if not self.may(verb, container, name):
            raise self.refusal()

    def may(self, verb: Verb, container: ContainerRow | None, name: str) -> bool:
        if self.signed is not None:
            return self.signed.account == self.account and self.signed.container in (None, name)
        if self.owner or (verb != "write" and self._reads_all()):
            return True
        return container is not None and self._listed(verb, container)

    def refusal(self) -> Denied | NeedsLogin:
        if self.who is not None:
            return Denied()
        return NeedsLogin(headers={"Www-Authenticate": f'Swift realm="{quote(self.account)}"'})

    def _reads_all(self) -> bool:
        return self.who is not None and self.rule("object_store:read")

    def _listed(self, verb: Verb, container: ContainerRow) -> bool:
        text = container.write_acl if verb == "write" else container.read_acl
        if not text:
            return False
        who = self.who
        if who is not None and who.project_id is not None:
            users, projects = {who.user_id}, {who.project_id}
            if who.user_domain_id == NAMES_IN:
                users.add(who.user_name)
            if who.project_domain_id == NAMES_IN and who.project_name:
                projects.add(who.project_name)
            if acl.names(text, projects, users):
                return True
            if project_of(self.account) == who.project_id and acl.roles(text) & {
                role.lower() for role in who.roles
            }:
                return True
        if verb == "write" or not acl.referrer_allows(text, self.referer):
            return False
        return verb == "read" or acl.LISTINGS in acl.items(text)
