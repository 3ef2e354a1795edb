"""What orchestration is to the cloud."""

from cumulo.core.assembly import Assembly, Bells, CatalogEntry, Frame, Service
from cumulo.core.auth.keyring import KeyRing
from cumulo.identity.interface import Identity, RequestKeys
from cumulo.orchestration.api.face import orchestration_faces
from cumulo.orchestration.interface import EVENTS
from cumulo.orchestration.policy import RULES
from cumulo.orchestration.reconcile import LateStacks, StackResources
from cumulo.orchestration.service.blueprints import Blueprints
from cumulo.orchestration.service.chains import ResourceChain
from cumulo.orchestration.service.configs import (
    CloudConfig,
    MultipartMime,
    SoftwareComponent,
    SoftwareConfig,
    StructuredConfig,
)
from cumulo.orchestration.service.deployment_groups import (
    DeploymentGroup,
    StructuredDeploymentGroup,
)
from cumulo.orchestration.service.deployments import SoftwareDeployment, StructuredDeployment
from cumulo.orchestration.service.engine import Engine
from cumulo.orchestration.service.groups import ResourceGroup
from cumulo.orchestration.service.guests import SERVER, Server
from cumulo.orchestration.service.handlers import Handler
from cumulo.orchestration.service.hidden import Hidden
from cumulo.orchestration.service.nested import CfnStack, HeatStack, TemplateResource
from cumulo.orchestration.service.other_waits import other_waits
from cumulo.orchestration.service.own_types import OWN_TYPES
from cumulo.orchestration.service.scaling import GROUP, POLICY, AutoScalingGroup, ScalingPolicy
from cumulo.orchestration.service.software import Software
from cumulo.orchestration.service.stacks import DEFAULTS, Stacks
from cumulo.orchestration.service.types import Types
from cumulo.orchestration.service.waits import (
    CONDITION,
    HANDLE,
    Signals,
    WaitCondition,
    WaitHandle,
)


def build(frame: Frame) -> Service:
    finders = [one for each in frame.assemblies for one in each.finders]
    declared = [one for each in frame.assemblies for one in each.resource_types]
    types = Types(declared, finders)
    identity = frame.get(Identity)
    seal = KeyRing(frame.settings.secrets_dir / "orchestration-keys")
    blueprints = Blueprints(frame.settings.region, Hidden(seal), types.implied, types.nested)
    engine = Engine(frame.caller, types, blueprints, identity.principal_in_project, seal)
    quotas = frame.quotas("orchestration", DEFAULTS)
    software = Software(seal, quotas)
    stacks = Stacks(engine, blueprints, frame.settings.region, quotas, software)
    address = f"{frame.settings.base_url}/orchestration"
    types.add(own_types(stacks, seal, address), TemplateResource(stacks))
    server = next(each for each in declared if each.name == SERVER)
    types.add(
        {
            SERVER: Server(
                server,
                types.finders,
                seal=seal,
                software=software,
                endpoint=address,
                cfn=f"{frame.settings.base_url}/orchestration-cfn",
                region=frame.settings.region,
            )
        }
    )
    made = StackResources(frame.database, engine, frame.caller)

    def on_bells(bells: Bells) -> None:
        made.on_bell(bells[made.name])

    return Service(
        stacks,
        faces=orchestration_faces(
            stacks,
            Signals(stacks),
            frame.rules("orchestration", RULES),
            frame.database,
            frame.get(RequestKeys),
        ),
        reconcilers=[made, LateStacks(frame.database, stacks)],
        on_bells=on_bells,
        counts={"stacks": stacks.count},
    )


def own_types(stacks: Stacks, seal: KeyRing, address: str) -> dict[str, Handler]:
    """Heat's own types."""
    software = stacks.software
    groups = (DeploymentGroup(stacks), StructuredDeploymentGroup(stacks))
    return {
        **OWN_TYPES,
        "OS::Heat::Stack": HeatStack(stacks),
        "AWS::CloudFormation::Stack": CfnStack(stacks),
        "OS::Heat::ResourceGroup": ResourceGroup(stacks),
        "OS::Heat::ResourceChain": ResourceChain(stacks),
        HANDLE: WaitHandle(seal, address),
        CONDITION: WaitCondition(),
        **other_waits(seal, address),
        GROUP: AutoScalingGroup(stacks),
        POLICY: ScalingPolicy(seal, address),
        "OS::Heat::SoftwareConfig": SoftwareConfig(software),
        "OS::Heat::StructuredConfig": StructuredConfig(software),
        "OS::Heat::SoftwareComponent": SoftwareComponent(software),
        "OS::Heat::CloudConfig": CloudConfig(software),
        "OS::Heat::MultipartMime": MultipartMime(software),
        "OS::Heat::SoftwareDeployment": SoftwareDeployment(seal, address, software),
        "OS::Heat::StructuredDeployment": StructuredDeployment(seal, address, software),
        "OS::Heat::SoftwareDeploymentGroup": groups[0],
        "OS::Heat::SoftwareDeployments": groups[0],
        "OS::Heat::StructuredDeploymentGroup": groups[1],
        "OS::Heat::StructuredDeployments": groups[1],
    }


ASSEMBLY = Assembly(
    "orchestration",
    build,
    events=EVENTS,
    catalog=(
        CatalogEntry("orchestration", (), "/orchestration/v1/$(project_id)s", "heat"),
        CatalogEntry("cloudformation", (), "/orchestration-cfn/v1", "heat-cfn"),
    ),
)
