"""The deploy ramdisk: what a machine boots to be written, cleaned, looked at or rescued.

build.sh, builder   the guest image's own root file system, with Python and the agent on top
media               virtual media: the ramdisk and what one boot of one machine is told
agent/              what runs in it; stdlib only, and nothing else of Cumulo
"""
