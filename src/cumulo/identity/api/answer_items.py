"""Bodies of answers about single things: see `answers`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.wire.shapes import Body


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


class Domain(Body, kw_only=True):
    description: str
    enabled: bool
    id: str
    links: Links
    name: str
    options: dict[str, Any]
    tags: list[Any]


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
    consumers: list[Any]
    links: Links


class Consumer(Body, kw_only=True):
    colour: str | UnsetType = UNSET
    description: str | None
    dropped_at: dict[str, Any] | UnsetType = UNSET
    id: str
    links: Links
    name: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    x: str | UnsetType = UNSET


class ConsumersAnswer2(Body, kw_only=True):
    consumer: Consumer


class Links2(Body, kw_only=True):
    roles: str
    self: str


class AccessToken(Body, kw_only=True):
    authorizing_user_id: str
    consumer_id: str
    expires_at: str
    id: str
    links: Links2
    project_id: str


class AccessTokensAnswer(Body, kw_only=True):
    access_tokens: list[AccessToken]
    links: Links


class TokenAnswer2(Body, kw_only=True):
    access_token: str
    expires_in: int
    token_type: str


class ApplicationCredentialsAnswer(Body, kw_only=True):
    application_credentials: list[Any]
    links: Links


class AccessRule(Body, kw_only=True):
    id: str
    links: Links
    method: str
    path: str
    service: str


class AccessRulesAnswer(Body, kw_only=True):
    access_rules: list[AccessRule]
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
    service_providers: list[Any]
