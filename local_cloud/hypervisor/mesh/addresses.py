"""Where the mesh's own parts are on the public network of the local cloud.

Droplets, gateways and databases get public addresses from 198.18.0.2 up, the lowest free one each time, so
they don't come near those at the end of the range that are given away here.
"""

from ipaddress import IPv4Address, IPv4Network

COORDINATION_ADDRESS = IPv4Address("192.200.0.101")
"""Of the coordination server and relay; Tailscale's own are in this network."""
COORDINATION_NETWORK = IPv4Network("192.200.0.0/24")
LOGIN_SERVER = f"https://{COORDINATION_ADDRESS}"
HTTPS_PORT = 443
"""Of the coordination server, and of the relay for whoever can't be reached directly."""
STUN_PORT = 3478
WIREGUARD_PORT = 41641

OPERATOR_ADDRESS = IPv4Address("198.18.255.10")
VAULT_ADDRESS = IPv4Address("198.18.255.20")
