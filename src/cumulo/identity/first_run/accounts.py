"""The first accounts: domain, roles, the users `admin` and `demo` with their projects."""

import asyncio
import os
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import SYSTEM
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.identity import IdentityService
from cumulo.settings import Settings

ROLES = ("admin", "manager", "member", "reader", "service", "ResellerAdmin")
IMPLIED = (("admin", "manager"), ("manager", "member"), ("member", "reader"))


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the first run, with the file that holds its password."""

    name: str
    project: str
    role: str
    password_file: Path

    def password(self) -> str:
        """The password in the file, which only its owner reads; made at the first time."""
        if not self.password_file.exists():
            self.next_password().replace(self.password_file)
        return self.password_file.read_text().strip()

    def next_password(self) -> Path:
        """A new password, in a file beside that is not looked at yet."""
        path = self.password_file.with_suffix(".new")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(18) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return path


def accounts(settings: Settings) -> list[Account]:
    return [
        Account("admin", "admin", "admin", settings.secrets_dir / "admin-password"),
        Account("demo", "demo", "member", settings.secrets_dir / "demo-password"),
    ]


class FirstAccounts:
    """Implements `identity.interface.FirstUsers`, and makes them."""

    def __init__(self, settings: Settings, database: Database, identity: IdentityService) -> None:
        self._settings = settings
        self._database = database
        self._identity = identity

    async def make(self) -> None:
        """Make the accounts that are missing. Hashing comes before the transaction."""
        identity, wanted = self._identity, accounts(self._settings)
        passwords = [account.password() for account in wanted]
        hashes: dict[str, str] = {}
        if await self._database.read(lambda tx: _missing_users(tx, identity)):
            made = await asyncio.gather(*(identity.passwords.hash(text) for text in passwords))
            hashes = {account.name: hashed for account, hashed in zip(wanted, made, strict=True)}
        work = partial(_make, settings=self._settings, identity=identity, hashes=hashes)
        await self._database.write(work, name="first run: accounts")

    async def reset(self) -> list[str]:
        """Killed before the files are in their places, it has to be run again; nobody is locked
        out by that who was not before."""
        there = await self._database.read(
            lambda tx: {
                each.name
                for each in accounts(self._settings)
                if self._identity.users.find(tx, each.name, DEFAULT_DOMAIN_ID) is not None
            }
        )
        wanted = [
            each
            for each in accounts(self._settings)
            if each.role == "admin" or each.name not in there or not each.password_file.exists()
        ]
        files = {each.name: each.next_password() for each in wanted}
        texts = [files[each.name].read_text().strip() for each in wanted]
        made = await asyncio.gather(*(self._identity.passwords.hash(text) for text in texts))
        hashes = dict(zip(files, made, strict=True))

        def work(tx: Tx) -> None:
            _make(tx, self._settings, self._identity, hashes)
            for account in wanted:
                _reopen(tx, self._identity, account, hashes[account.name])

        await self._database.write(work, name="reset admin")
        for account in wanted:
            files[account.name].replace(account.password_file)
        return list(files)

    def project_id(self, tx: Tx, name: str) -> str | None:
        found = self._identity.projects.find(tx, name, DEFAULT_DOMAIN_ID)
        return None if found is None else found.id

    def operator(self, tx: Tx) -> Principal:
        user = self._identity.users.find(tx, "admin", DEFAULT_DOMAIN_ID)
        project = self._identity.projects.find(tx, "admin", DEFAULT_DOMAIN_ID)
        assert user is not None and project is not None
        return Principal(
            user_id=user.id,
            user_name=user.name,
            user_domain_id=DEFAULT_DOMAIN_ID,
            project_id=project.id,
            project_name=project.name,
            roles=("admin", "manager", "member", "reader"),
        )


def _missing_users(tx: Tx, identity: IdentityService) -> bool:
    return any(
        identity.users.find(tx, name, DEFAULT_DOMAIN_ID) is None for name in ("admin", "demo")
    )


def _make(tx: Tx, settings: Settings, identity: IdentityService, hashes: dict[str, str]) -> None:
    if tx.get(DomainRow, DEFAULT_DOMAIN_ID) is None:
        wishes = {"name": "Default", "description": "The default domain"}
        identity.domains.create(tx, wishes, None, id=DEFAULT_DOMAIN_ID)
    for name in ROLES:
        if identity.roles.find(tx, name) is None:
            identity.roles.create(tx, {"name": name, "options": {"immutable": True}}, None)
    for prior, implied in IMPLIED:
        first, second = identity.roles.find(tx, prior), identity.roles.find(tx, implied)
        assert first is not None and second is not None
        identity.roles.imply(tx, first, second)
    for account in accounts(settings):
        _account(tx, identity, account, hashes)


def _account(tx: Tx, identity: IdentityService, account: Account, hashes: dict[str, str]) -> None:
    project = identity.projects.find(tx, account.project, DEFAULT_DOMAIN_ID)
    if project is None:
        wishes = {"name": account.project, "description": f"The {account.project} project"}
        project = identity.projects.create(tx, wishes, None)
    user = identity.users.find(tx, account.name, DEFAULT_DOMAIN_ID)
    if user is None:
        wishes = {"name": account.name, "default_project_id": project.id}
        user = identity.users.create(tx, wishes, hashes[account.name], None)
    _grant(tx, identity, account.role, user, project)
    if account.role == "admin":
        role = identity.roles.find(tx, "admin")
        assert role is not None
        identity.roles.grant(tx, role.id, user.id, "system", SYSTEM, None)
        identity.roles.grant(tx, role.id, user.id, "domain", DEFAULT_DOMAIN_ID, None)


def _reopen(tx: Tx, identity: IdentityService, account: Account, password_hash: str) -> None:
    """Whatever was done to it: it can log in with the new password alone."""
    user = identity.users.find(tx, account.name, DEFAULT_DOMAIN_ID)
    project = identity.projects.find(tx, account.project, DEFAULT_DOMAIN_ID)
    domain = tx.get(DomainRow, DEFAULT_DOMAIN_ID)
    assert user is not None and project is not None and domain is not None
    tx.update(domain, enabled=True)
    tx.update(project, enabled=True)
    identity.users.reopen(tx, user, password_hash)


def _grant(
    tx: Tx, identity: IdentityService, name: str, user: UserRow, project: ProjectRow
) -> None:
    role = identity.roles.find(tx, name)
    assert role is not None
    identity.roles.grant(tx, role.id, user.id, "project", project.id, None)
