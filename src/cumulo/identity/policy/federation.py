"""Rules of federation: operators set it up, system readers look at it."""

from cumulo.identity.policy.parts import crud

RULES = {
    **crud("identity_provider"),
    **crud("protocol"),
    **crud("mapping"),
    **crud("service_provider"),
}
