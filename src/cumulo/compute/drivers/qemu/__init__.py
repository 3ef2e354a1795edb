"""Guests as QEMU processes: one unprivileged, sandboxed process a guest, driven over QMP.

`driver` decides and orders the effects; `command` turns a specification into an argument
vector; `monitor` speaks QMP; `disks`, `taps` and `console` own their nouns.
The processes are not children that die with us: a restarted control plane finds them again.
"""
