"""Identity in the dashboard: oneself, projects, users, groups, roles, domains, limits."""

from cumulo.identity.panels.cloud import DOMAINS, LIMITS, REGISTERED_LIMITS
from cumulo.identity.panels.federation import MAPPINGS, PROVIDERS
from cumulo.identity.panels.me import ME
from cumulo.identity.panels.people import GROUPS, USERS
from cumulo.identity.panels.projects import PROJECTS
from cumulo.identity.panels.roles import ASSIGNMENTS, ROLES

PANELS = (
    ME,
    PROJECTS,
    USERS,
    GROUPS,
    ROLES,
    ASSIGNMENTS,
    DOMAINS,
    LIMITS,
    REGISTERED_LIMITS,
    PROVIDERS,
    MAPPINGS,
)
