"""Refusals in the words that clients of bare metal know."""

from cumulo.baremetal.model.node import NodeRow
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound


def node_not_found(name: str) -> NotFound:
    return NotFound(f"Node {name[:255]} could not be found.")


def port_not_found(name: str) -> NotFound:
    return NotFound(f"Port {name[:255]} could not be found.")


class Locked(Conflict):
    """A job has the node for itself just now."""


def locked(row: NodeRow, host: str) -> Locked:
    return Locked(
        f"Node {row.id} is locked by host {host}, please retry after the current operation is "
        "completed."
    )


def wrong_state(verb: str, row: NodeRow) -> BadRequest:
    return BadRequest(
        f'The requested action "{verb}" can not be performed on node "{row.id}" while it is in '
        f'state "{row.provision_state}".'
    )


def in_maintenance(verb: str, row: NodeRow) -> BadRequest:
    return BadRequest(
        f"The {verb} operation can't be performed on node {row.id} because it's in maintenance "
        "mode."
    )


def protected(verb: str, row: NodeRow) -> Forbidden:
    return Forbidden(
        f"The {verb} operation can't be performed on node {row.id} because it is protected."
    )
