"""Networks, ports, routers, security groups, floating IPs: the network service (Neutron)."""
