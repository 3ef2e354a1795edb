"""Shares on this machine: a btrfs in a file (`pool`), served over NFSv4 by nfs-ganesha (`server`)
in namespaces of their own in projects' networks (`plug`); `driver` puts the three together."""
