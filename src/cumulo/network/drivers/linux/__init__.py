"""The data plane on Linux itself: bridges, taps, veths, nftables, dnsmasq; no switch daemon.

Everything of a cloud is in namespaces of its own, named by the cloud's prefix: PREFIX-host holds
the bridges and taps, PREFIX-n-* a network's DHCP and metadata, PREFIX-r-* a router. The only
things outside are one veth end per external network and one nftables table, both named by the
prefix, in the namespace that Cumulo was started in.
"""
