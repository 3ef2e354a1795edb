"""Bodies of answers about single things: see `answers`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.wire.shapes import Body, OpenBody
from cumulo.identity.api.answer_bodies import ApplicationCredential, Domain, ServiceProvider


class Link(Body, kw_only=True):
    href: str
    rel: str


class MediaType(Body, kw_only=True):
    base: str
    type: str


class Version(Body, kw_only=True):
    id: str
    links: list[Link]
    media_types: list[MediaType] = field(name="media-types")
    status: str
    updated: str


class V3Answer(Body, kw_only=True):
    version: Version


class Links(Body, kw_only=True):
    next: Any = UNSET
    previous: Any = UNSET
    self: str


class DomainsAnswer(Body, kw_only=True):
    domains: list[Domain]
    links: Links


class System(Body, kw_only=True):
    all: bool


class SystemAnswer(Body, kw_only=True):
    links: Links
    system: list[System]


class Event(Body, kw_only=True):
    audit_id: str | UnsetType = UNSET
    issued_before: str
    revoked_at: str
    user_id: str | UnsetType = UNSET


class EventsAnswer(Body, kw_only=True):
    events: list[Event]
    links: Links


class ConsumersAnswer(Body, kw_only=True):
    consumers: list[Consumer]
    links: Links


class Consumer(OpenBody, kw_only=True):
    description: str | None
    id: str
    links: Links
    secret: str | UnsetType = UNSET


class ConsumerAnswer(Body, kw_only=True):
    consumer: Consumer


class AccessTokenLinks(Body, kw_only=True):
    roles: str
    self: str


class AccessToken(Body, kw_only=True):
    authorizing_user_id: str
    consumer_id: str
    expires_at: str
    id: str
    links: AccessTokenLinks
    project_id: str


class AccessTokensAnswer(Body, kw_only=True):
    access_tokens: list[AccessToken]
    links: Links


class Verifier(Body, kw_only=True):
    oauth_verifier: str


class VerifierAnswer(Body, kw_only=True):
    token: Verifier


class AccessTokenGrantAnswer(Body, kw_only=True):
    access_token: str
    expires_in: int
    token_type: str


class ApplicationCredentialsAnswer(Body, kw_only=True):
    application_credentials: list[ApplicationCredential]
    links: Links


class ShownAccessRule(Body, kw_only=True):
    id: str
    links: Links
    method: str
    path: str
    service: str


class AccessRulesAnswer(Body, kw_only=True):
    access_rules: list[ShownAccessRule]
    links: Links


class PriorRole(Body, kw_only=True):
    id: str
    links: Links
    name: str


class RoleInference(Body, kw_only=True):
    implies: list[PriorRole]
    prior_role: PriorRole


class RoleInferencesAnswer(Body, kw_only=True):
    links: Links
    role_inferences: list[RoleInference]


class ServiceProvidersAnswer(Body, kw_only=True):
    links: Links
    service_providers: list[ServiceProvider]


class AccessRuleAnswer(Body, kw_only=True):
    access_rule: ShownAccessRule


class AccessTokenAnswer(Body, kw_only=True):
    access_token: AccessToken


class Versions(Body, kw_only=True):
    values: list[Version]


class VersionsAnswer(Body, kw_only=True):
    versions: Versions
