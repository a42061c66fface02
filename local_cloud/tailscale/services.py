"""Every service of the API."""

from local_cloud.tailscale.acl import routes as acl
from local_cloud.tailscale.devices import routes as devices
from local_cloud.tailscale.dns import routes as dns
from local_cloud.tailscale.keys import routes as keys
from local_cloud.tailscale.oauth import routes as oauth
from local_cloud.tailscale.settings import routes as settings
from local_cloud.tailscale.webhooks import routes as webhooks

SERVICES = (
    oauth.service,
    acl.service,
    keys.service,
    devices.service,
    devices.route_service,
    dns.service,
    settings.service,
    webhooks.service,
)
