"""VPCs, gateways, firewalls, names and metadata: network namespaces and nftables."""
