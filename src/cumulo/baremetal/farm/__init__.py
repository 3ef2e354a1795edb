"""A farm of virtual machines that behave like servers with a BMC: for learning and for tests.

    machine     one machine: its folder, its QEMU process, its board (power, boot device, media)
    place       the namespace of their provisioning network: gateway, DHCP
    switch      the switch that all of them are wired to
    redfish     what their BMC answers
    gateway     the one door from the machines to the cloud: the agent's calls, images
    serve       the process that answers for all of them
    farm        up, down, list

The farm is no part of the cloud: it speaks to it as servers in a rack do, over Redfish and from
their agents. Its process may be killed at any time: a machine is what its folder says and what its
QEMU does.
"""
