"""What identity is to the cloud."""

import functools

import msgspec

from cumulo.core.assembly import (
    Assembly,
    Bells,
    CatalogEntry,
    Frame,
    Principals,
    RotateKeys,
    Service,
    UserNames,
)
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.passwords import Passwords
from cumulo.core.auth.tokens import TokenKeys
from cumulo.core.http.admission import Authenticator
from cumulo.core.quotas.quotas import UnifiedLimits
from cumulo.identity import resources
from cumulo.identity.api.face import identity_face
from cumulo.identity.drivers.directories import opener
from cumulo.identity.first_run.accounts import FirstAccounts
from cumulo.identity.first_run.catalog import FirstCatalog
from cumulo.identity.interface import EVENTS, Endpoints, FirstUsers, Identity, RequestKeys
from cumulo.identity.policy import RULES, SCOPES
from cumulo.identity.reconcile import DirectorySync, Expired
from cumulo.identity.service.federation.parties import OpenIdParty, Parties, SamlParty
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.security import SecurityRules
from cumulo.identity.settings import IdentitySettings
from cumulo.settings import Settings


def build(frame: Frame) -> Service:
    settings, own = frame.settings, frame.settings.of(IdentitySettings)
    identity = IdentityService(
        frame.database,
        TokenKeys(settings.secrets_dir / "token-keys"),
        Passwords(rounds=own.password_rounds),
        msgspec.convert(msgspec.structs.asdict(own), SecurityRules),
        credential_keys=KeyRing(settings.secrets_dir / "credential-keys"),
        limit_model=own.limit_model,
        parties=_parties(settings, own),
        open_directory=opener(fakes=settings.fake),
        directory_sync_seconds=own.directory_sync_seconds,
    )
    accounts = FirstAccounts(settings, frame.database, identity)
    catalog = FirstCatalog(settings, frame.database, identity, frame.catalog)
    frame.give(Identity, identity)
    frame.give(UnifiedLimits, identity.limits)
    frame.give(Authenticator, identity)
    frame.give(FirstUsers, accounts)
    frame.give(Endpoints, identity.catalog)
    frame.give(RequestKeys, identity.request_keys)
    frame.give(Principals, identity.principals)
    frame.give(UserNames, identity.users.names)
    frame.give(RotateKeys, identity.keys.rotate)
    identity.keys.spread_by(frame.nodes.shared.alike, frame.nodes.shared.publish)

    async def first_run(_hosts: object) -> None:
        await accounts.make()
        await catalog.make()

    def on_bells(bells: Bells) -> None:
        identity.directories.ring = bells["directories"]

    return Service(
        identity,
        faces=[
            identity_face(
                identity,
                frame.database,
                f"{settings.base_url}/identity",
                frame.rules("identity", RULES, SCOPES),
            )
        ],
        reconcilers=[
            Expired(frame.database, identity.expiring),
            DirectorySync(identity.directories),
        ],
        on_bells=on_bells,
        first_run=first_run,
        close=identity.passwords.close,
    )


def _parties(settings: Settings, own: IdentitySettings) -> Parties:
    """Those whom identity believes. Their drivers are large: they are imported when needed."""
    openid: dict[str, OpenIdParty] = {}
    if own.openid:
        from cumulo.identity.drivers.openid import OpenIdProvider

        for name, client in own.openid.items():
            openid[name] = OpenIdProvider(**msgspec.structs.asdict(client))

    @functools.cache
    def saml() -> SamlParty:
        from cumulo.identity.drivers import saml as driver

        providers = {n: (each.metadata_file, each.entity_id) for n, each in own.saml.items()}
        base = f"{settings.base_url}/identity/v3/OS-FEDERATION"
        return driver.SamlParty(base, settings.secrets_dir, providers)

    return Parties(openid, frozenset(own.saml), saml, own.trusted_dashboards)


ASSEMBLY = Assembly(
    "identity",
    build,
    events=EVENTS,
    catalog=(CatalogEntry("identity", (), "/identity", "keystone"),),
    resource_types=resources.TYPES,
    finders=resources.FINDERS,
)
