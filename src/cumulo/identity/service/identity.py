"""Identity as a whole: its nouns, and what the other services ask of it."""

from cumulo.core.auth.passwords import Passwords
from cumulo.core.auth.principal import Principal
from cumulo.core.auth.tokens import TokenKeys
from cumulo.core.db.transaction import Tx
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.service.catalog import Catalog
from cumulo.identity.service.domains import Domains
from cumulo.identity.service.federation.providers import FederationProviders
from cumulo.identity.service.projects import Projects
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.tokens import Tokens
from cumulo.identity.service.users import Users


class IdentityService:
    """Implements `identity.interface.Identity`."""

    def __init__(
        self, keys: TokenKeys, passwords: Passwords, *, token_lifetime: float = 3600.0
    ) -> None:
        self.passwords = passwords
        self.roles = Roles(self._forget_tokens)
        self.tokens = Tokens(keys, self.roles, lifetime=token_lifetime)
        self.domains = Domains(self._forget_tokens)
        self.projects = Projects(self._forget_tokens)
        self.users = Users(self._forget_tokens)
        self.catalog = Catalog()
        self.federation = FederationProviders(self._forget_tokens)

    def _forget_tokens(self) -> None:
        self.tokens.forget_all()

    def cached(self, token: str) -> Principal | None:
        return self.tokens.cached(token)

    def verify(self, tx: Tx, token: str) -> Principal:
        return self.tokens.verify(tx, token)

    def project_exists(self, tx: Tx, project_id: str) -> bool:
        return tx.get(ProjectRow, project_id) is not None
