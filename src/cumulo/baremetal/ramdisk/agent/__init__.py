"""The agent: looks its node up, says that it is there, and does what it is told.

It speaks the protocol of OpenStack's ironic-python-agent on both sides: `/v1/lookup` and
`/v1/heartbeat` of the bare metal API, and a commands API of its own.

    main         from the kernel's start to the heartbeats
    calls        the bare metal API's side
    commands     the commands API
    work         what the commands do
    inventory    what the machine is
    devices      its disks, and which of them is the root device
    images       an image from a URL onto a disk
    qcow2        images of that format, unpacked
    tables       partition tables: the config drive's place
"""
