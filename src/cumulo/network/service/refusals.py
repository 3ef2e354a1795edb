"""Refusals that several nouns have, in the network API's words and types."""

from cumulo.core.faults import BadRequest, Conflict, Fault, NotFound


class PreconditionFailed(Fault):
    status = 412
    title = "Precondition Failed"


def not_found(noun: str, id: str) -> NotFound:
    text, kind = _ABSENT[noun]
    return NotFound(text.format(id), kind=kind)


_ABSENT = {
    "network_ip_availability": ("Network {} could not be found.", "NetworkNotFound"),
    "network": ("Network {} could not be found.", "NetworkNotFound"),
    "subnet": ("Subnet {} could not be found.", "SubnetNotFound"),
    "port": ("Port {} could not be found.", "PortNotFound"),
    "router": ("Router {} could not be found", "RouterNotFound"),
    "floatingip": ("Floating IP {} could not be found", "FloatingIPNotFound"),
    "rbac_policy": ("RBAC policy {} could not be found.", "RbacPolicyNotFound"),
    "subnetpool": ("Subnet pool {} could not be found.", "SubnetPoolNotFound"),
    "address_scope": ("Address scope {} could not be found.", "AddressScopeNotFound"),
    "address_group": ("Address group {} could not be found.", "AddressGroupNotFound"),
    "default_security_group_rule": (
        "Default Security Group rule {} does not exist",
        "DefaultSecurityGroupRuleNotFound",
    ),
    "port_forwarding": ("Port Forwarding {} could not be found.", "PortForwardingNotFound"),
    "policy": ("QoS policy {} could not be found.", "QosPolicyNotFound"),
    "qos_policy": ("QoS policy {} could not be found.", "QosPolicyNotFound"),
    "qos_rule": ("QoS rule {} could not be found.", "QosRuleNotFound"),
    "trunk": ("Trunk {} could not be found.", "TrunkNotFound"),
    "security_group": ("Security group {} does not exist", "SecurityGroupNotFound"),
    "security_group_rule": (
        "Security group rule {} does not exist",
        "SecurityGroupRuleNotFound",
    ),
}


def required(name: str) -> BadRequest:
    return BadRequest(
        f"Failed to parse request. Required attribute '{name}' not specified",
        kind="HTTPBadRequest",
    )


def invalid(message: str) -> BadRequest:
    """What the API calls InvalidInput."""
    return BadRequest(f"Invalid input for operation: {message}.", kind="InvalidInput")


def bad(noun: str, message: str) -> BadRequest:
    return BadRequest(f"Bad {noun} request: {message}.", kind="BadRequest")


def unfit(attribute: str, reason: str) -> BadRequest:
    """An attribute whose value is no value of its kind."""
    return BadRequest(f"Invalid input for {attribute}. Reason: {reason}.", kind="HTTPBadRequest")


def address_taken(address: str, subnet_id: str) -> Conflict:
    return Conflict(
        f"IP address {address} already allocated in subnet {subnet_id}.",
        kind="IpAddressAlreadyAllocated",
    )


def no_address(where: str) -> Conflict:
    return Conflict(
        f"No more IP addresses available on {where}.", kind="IpAddressGenerationFailure"
    )


def port_in_use(port_id: str, what: str, trunk_id: str) -> Conflict:
    if what == "parent":
        return Conflict(
            f"Port {port_id} is currently a parent port for trunk {trunk_id}.",
            kind="PortInUseAsTrunkParent",
        )
    return Conflict(
        f"Port {port_id} is currently a subport for trunk {trunk_id}.", kind="PortInUseAsSubPort"
    )
