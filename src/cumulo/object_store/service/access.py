"""Who may do what: an account's owner, access lists of containers, and signatures.

The order is Swift's: whoever may everything, then the container's lists, then the roles in the
account's own project. What is refused is 403 for somebody who is known, and 401 for nobody.
A bucket's policy comes before all: what it denies nobody may, by whatever face; what it allows is
allowed besides. It cannot keep its account's owner from setting another policy.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote

from cumulo.core.auth.principal import Principal
from cumulo.object_store.model import acl, bucket_policy, grants
from cumulo.object_store.model.account import project_of
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import Denied, NeedsLogin
from cumulo.object_store.model.sync import OPTION as SYNC

Verb = Literal["read", "list", "write"]
POLICY, ACL, PUBLIC = "s3-policy", "s3-acl", "s3-publicAccessBlock"
OWNERSHIP, ENFORCED = "s3-ownershipControls", "BucketOwnerEnforced"
"""Options of a container."""
OBJECT_ACL = "acl"
"""In an object's `extra`."""
KEYS = ("temp-url-key", "temp-url-key-2")
"""Metadata of accounts and containers: whoever knows one signs URLs."""
_USUAL: Mapping[Verb, str] = {
    "read": "s3:GetObject",
    "list": "s3:ListBucket",
    "write": "s3:PutObject",
}
_BEGINS: Mapping[Verb, tuple[str, ...]] = {
    "read": ("s3:GetObject",),
    "list": ("s3:List", "s3:GetBucket"),
    "write": ("s3:Put", "s3:Delete", "s3:Abort", "s3:ListMultipartUploadParts"),
}
_LISTED = frozenset(
    {
        *("s3:GetObject", "s3:GetObjectAttributes"),
        *("s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"),
        *("s3:PutObject", "s3:DeleteObject"),
        *("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    }
)
"""What access lists give: they are about current objects. Versions, locks, tags and the settings
of a bucket are for its owner, and for whom a policy names exactly that."""
_OF_VERSIONS = {
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:DeleteObject": "s3:DeleteObjectVersion",
}
BYPASS = "s3:BypassGovernanceRetention"
NAMES_IN = "default"
"""The domain whose users and projects access lists may name by name: names are unique there."""


def granted(container: ContainerRow) -> list[grants.Grant]:
    """The list of S3 as it was set; empty when Swift's face has changed the container's since."""
    kept = [(who, what) for who, what in container.options.get(ACL) or ()]
    return kept if grants.lists(kept) == (container.read_acl, container.write_acl) else []


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature in a URL gives: an account, or only a container of it."""

    account: str
    container: str | None = None

    def opens(self, account: str, name: str, container: ContainerRow | None, verb: Verb) -> bool:
        return self.account == account and self.container in (None, name)


@dataclass(frozen=True, slots=True)
class Synced(Signed):
    """What another cloud's signature gives that sends a container on (model.sync): that container,
    and of others that have the same word of their owners what its manifests name."""

    key: str = ""
    timestamp: str = ""
    """When what it sends was written."""

    def opens(self, account: str, name: str, container: ContainerRow | None, verb: Verb) -> bool:
        if self.account != account or name == self.container:
            return self.account == account
        wish = (container.options.get(SYNC) if container is not None else None) or {}
        return verb == "read" and bool(self.key) and wish.get("key") == self.key


@dataclass(slots=True)
class Access:
    """One caller at one account. `rule(name)`: does a policy rule allow it, with the account's
    project as its target?"""

    account: str
    who: Principal | None
    rule: Callable[[str], bool]
    referer: str = ""
    signed: Signed | None = None
    action: str = ""
    """What the request does, in the words of bucket policies; empty: what the verb says."""
    said: Callable[[], Mapping[str, str]] = dict
    """What the request says that policies may ask for."""
    _owner: bool | None = field(default=None, init=False)

    def doing(self, action: str) -> "Access":
        """The same caller, who does something else."""
        return replace(self, action=action)

    def of_version(self, action: str) -> "Access":
        """The same caller, who does this to a version, unless the request says what already."""
        now = self.action if self.action.startswith(action) else action
        return self.doing(_OF_VERSIONS.get(now, now))

    @property
    def owner(self) -> bool:
        """May change everything in the account, and sees its keys."""
        if self._owner is None:
            self._owner = self.who is not None and (
                self.reseller or self.rule("object_store:operate")
            )
        return self._owner

    @property
    def keeps_keys(self) -> bool:
        """May see and set what opens the account to whoever has it: for owners, and not by a right
        that somebody has lent (a trust), which it would outlive."""
        return self.owner and not (self.who is not None and self.who.is_delegated)

    def check_keys(self, changes: Iterable[str]) -> None:
        """Raises Denied for keys that are not the caller's to set."""
        if not self.keeps_keys and any(name in KEYS for name in changes):
            raise self.refusal()

    @property
    def reseller(self) -> bool:
        """May everything in every account."""
        return self.who is not None and self.rule("object_store:resell")

    def check_account(self, *, writing: bool) -> None:
        """Raises Denied or NeedsLogin."""
        if not self.owner and (writing or not self._reads_all()):
            raise self.refusal()

    def check(self, verb: Verb, container: ContainerRow | None, name: str, key: str = "") -> None:
        """For an object (`key`) or a listing in a container (`name`), which may not be there
        (None)."""
        if not self.may(verb, container, name, key):
            raise self.refusal()

    def may(self, verb: Verb, container: ContainerRow | None, name: str, key: str = "") -> bool:
        action = self._action(verb)
        said = self._by_policy(container, action, key)
        if said == "Deny":
            return False
        if self.signed is not None:
            return self.signed.opens(self.account, name, container, verb)
        if self.owner or (verb != "write" and self._reads_all()):
            return True
        if said == "Allow":
            return True
        return container is not None and action in _LISTED and self._listed(verb, container)

    def may_do(self, action: str, container: ContainerRow, key: str) -> bool:
        """What no list gives: is it the owner, or does a policy allow just that?"""
        said = self._by_policy(container, action, key)
        return said != "Deny" and (self.owner or said == "Allow")

    def check_bucket(self, container: ContainerRow) -> None:
        """For what is done to a container itself, which is its owner's. Raises Denied."""
        asks = self.action and "BucketPolicy" not in self.action
        if asks and self._by_policy(container, self.action, "") == "Deny":
            raise self.refusal()

    def may_read(self, container: ContainerRow, key: str, extra: Mapping[str, Any]) -> bool:
        """What its own list gives of an object that its container gives not."""
        plain = self._action("read") in ("s3:GetObject", "s3:GetObjectVersion")
        if not plain or OBJECT_ACL not in extra or self.signed is not None:
            return False
        if container.options.get(OWNERSHIP) == ENFORCED:
            return False
        if self._by_policy(container, self._action("read"), key) == "Deny":
            return False
        return self._granted(extra[OBJECT_ACL], "READ", container)

    def check_acl(
        self, container: ContainerRow, key: str, kept: Any, *, writing: bool, action: str
    ) -> None:
        """For a list of grants itself, of a bucket or an object. Raises Denied."""
        said = self._by_policy(container, action, key)
        permission = "WRITE_ACP" if writing else "READ_ACP"
        fine = self.owner or (not writing and self._reads_all()) or said == "Allow"
        if said == "Deny" or not (fine or self._granted(kept, permission, container)):
            raise self.refusal()

    def _granted(self, kept: Any, permission: str, container: ContainerRow) -> bool:
        who = self.who
        ids = set() if who is None else {who.user_id, who.project_id or who.user_id}
        public = not self._blocked(container, "IgnorePublicAcls")
        return grants.given(kept, ids, permission, public=public)

    @staticmethod
    def _blocked(container: ContainerRow, what: str) -> bool:
        return bool(container.options.get(PUBLIC, {}).get(what))

    def _action(self, verb: Verb) -> str:
        return self.action if self.action.startswith(_BEGINS[verb]) else _USUAL[verb]

    def _by_policy(
        self, container: ContainerRow | None, action: str, key: str
    ) -> bucket_policy.Verdict:
        text = None if container is None else container.options.get(POLICY)
        if container is None or text is None:
            return None
        caller = self._caller()
        asked = bucket_policy.Request(caller, action, container.text, key, self.said())
        found = bucket_policy.verdict(text, asked)
        restricted = self._blocked(container, "RestrictPublicBuckets")
        if found == "Allow" and restricted and bucket_policy.is_public(text):
            return "Allow" if caller.project == project_of(self.account) else None
        return found

    def _caller(self) -> bucket_policy.Caller:
        who = self.who
        if self.signed is not None:
            return bucket_policy.Caller(project_of(self.account) or "")
        if who is None or who.project_id is None:
            return bucket_policy.Caller()
        users = {who.user_id}
        if who.user_domain_id == NAMES_IN:
            users.add(who.user_name)
        return bucket_policy.Caller(who.project_id, frozenset(users))

    def refusal(self) -> Denied | NeedsLogin:
        if self.who is not None:
            return Denied()
        return NeedsLogin(headers={"Www-Authenticate": f'Swift realm="{quote(self.account)}"'})

    def _reads_all(self) -> bool:
        return self.who is not None and self.rule("object_store:read")

    def _listed(self, verb: Verb, container: ContainerRow) -> bool:
        text = container.write_acl if verb == "write" else container.read_acl
        public = not self._blocked(container, "IgnorePublicAcls")
        if verb == "write" and public and grants.anybody_writes(granted(container)):
            return True
        if not text:
            return False
        if not public:
            text = ",".join(each for each in acl.items(text) if each != "*:*")
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
        if not public or verb == "write" or not acl.referrer_allows(text, self.referer):
            return False
        return verb == "read" or acl.LISTINGS in acl.items(text)
