"""What orchestration is to the cloud."""

from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, Service
from cumulo.core.auth.keyring import KeyRing
from cumulo.identity.interface import Identity
from cumulo.orchestration.api.face import orchestration_faces
from cumulo.orchestration.interface import EVENTS
from cumulo.orchestration.policy import RULES
from cumulo.orchestration.reconcile import LateStacks, StackResources
from cumulo.orchestration.service.blueprints import Blueprints
from cumulo.orchestration.service.engine import Engine
from cumulo.orchestration.service.nested import HeatStack, ResourceGroup, TemplateResource
from cumulo.orchestration.service.own_types import OWN_TYPES
from cumulo.orchestration.service.scaling import GROUP, POLICY, AutoScalingGroup, ScalingPolicy
from cumulo.orchestration.service.stacks import Stacks
from cumulo.orchestration.service.types import Types
from cumulo.orchestration.service.waits import (
    CONDITION,
    HANDLE,
    Signals,
    WaitCondition,
    WaitHandle,
)


def build(frame: Frame) -> Service:
    types = Types(
        [one for each in frame.assemblies for one in each.resource_types],
        [one for each in frame.assemblies for one in each.finders],
    )
    blueprints = Blueprints(frame.settings.region, types.implied)
    identity = frame.get(Identity)
    engine = Engine(frame.caller, types, blueprints, identity.principal_in_project)
    stacks = Stacks(engine, blueprints, frame.settings.region)
    own = {
        **OWN_TYPES,
        "OS::Heat::Stack": HeatStack(stacks),
        "OS::Heat::ResourceGroup": ResourceGroup(stacks),
    }
    seal = KeyRing(frame.settings.secrets_dir / "orchestration-keys")
    address = f"{frame.settings.base_url}/orchestration"
    own |= {
        HANDLE: WaitHandle(seal, address),
        CONDITION: WaitCondition(),
        GROUP: AutoScalingGroup(stacks),
        POLICY: ScalingPolicy(seal, address),
    }
    types.add(own, TemplateResource(stacks))
    resources = StackResources(frame.database, engine, frame.caller)

    def on_bells(bells: Bells) -> None:
        resources.on_bell(bells[resources.name])

    return Service(
        stacks,
        faces=orchestration_faces(stacks, Signals(engine), frame.rules("orchestration", RULES)),
        reconcilers=[resources, LateStacks(frame.database, stacks)],
        on_bells=on_bells,
        counts={"stacks": stacks.count},
    )


ASSEMBLY = Assembly(
    "orchestration",
    build,
    events=EVENTS,
    catalog=(CatalogEntry("orchestration", (), "/orchestration/v1/$(project_id)s", "heat"),),
)
