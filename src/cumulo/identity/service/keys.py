"""Rotation of identity's keys, while everything goes on.

Tokens: the new key signs, the old ones go on being read until nothing can be out that they have
signed. Secrets at rest: all are written anew with the new key in one transaction, and only then may
an old key go; killed in between, the rows read with whichever key they were written with.
"""

from collections.abc import Callable
from typing import Literal

from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import emit
from cumulo.core.work import pools
from cumulo.identity.service.credentials import Credentials
from cumulo.identity.service.oauth1 import OAuth1
from cumulo.identity.service.security import SecurityRules

Ring = Literal["tokens", "credentials"]


class Keys:
    def __init__(
        self,
        database: Database,
        token_keys: KeyRing,
        credential_keys: KeyRing,
        credentials: Credentials,
        oauth1: OAuth1,
        rules: SecurityRules,
    ) -> None:
        self._database = database
        self._tokens = token_keys
        self._secrets = credential_keys
        self._credentials = credentials
        self._oauth1 = oauth1
        self._rules = rules
        self._spread: Callable[[], None] = lambda: None

    def spread_by(self, alike: Callable[[], None], publish: Callable[[str, bytes], None]) -> None:
        """`alike`: gives the other control nodes the same keys. `publish`: a new one, before it is
        used. Both block."""
        self._spread = alike
        self._tokens.publish = self._secrets.publish = publish

    async def rotate(self, ring: Ring, who: Principal) -> str:
        """What was done, for the operator."""
        if ring == "tokens":
            needed = self._rules.token_lifetime + self._rules.allow_expired_window
            self._tokens.rotate(needed=needed)
            await pools.DISK(self._spread)
            await self._database.write(lambda tx: _tell(tx, ring, who), name="rotate token keys")
            return f"a new key signs; {self._tokens.count} keys are accepted"
        self._secrets.add()
        await pools.DISK(self._spread)
        written = await self._database.write(lambda tx: self._rewrite(tx, who), name="rewrite")
        left = self._secrets.prune()
        await pools.DISK(self._spread)
        return f"{written} secrets were written anew; {left} keys are kept"

    def _rewrite(self, tx: Tx, who: Principal) -> int:
        _tell(tx, "credentials", who)
        return self._credentials.rewrite(tx) + self._oauth1.rewrite(tx)


def _tell(tx: Tx, ring: Ring, who: Principal) -> None:
    emit(tx, "identity.keys.rotate", ring, principal=who)
