"""Every service of the API, and all the work that they can start."""

from local_cloud.digitalocean.account import routes as account
from local_cloud.digitalocean.actions import routes as actions
from local_cloud.digitalocean.catalogue import routes as catalogue
from local_cloud.digitalocean.databases import access_routes as database_access
from local_cloud.digitalocean.databases import routes as databases
from local_cloud.digitalocean.databases.work import WORK as DATABASE_WORK
from local_cloud.digitalocean.droplets import action_routes as droplet_actions
from local_cloud.digitalocean.droplets import routes as droplets
from local_cloud.digitalocean.droplets.work import WORK as DROPLET_WORK
from local_cloud.digitalocean.firewalls import routes as firewalls
from local_cloud.digitalocean.keys import routes as keys
from local_cloud.digitalocean.nat_gateways import routes as nat_gateways
from local_cloud.digitalocean.nat_gateways.models import WORK as NAT_GATEWAY_WORK
from local_cloud.digitalocean.projects import routes as projects
from local_cloud.digitalocean.tags import routes as tags
from local_cloud.digitalocean.volumes import routes as volumes
from local_cloud.digitalocean.volumes.models import WORK as VOLUME_WORK
from local_cloud.digitalocean.vpcs import routes as vpcs

SERVICES = tuple(
    module.service
    for module in (
        account,
        catalogue,
        keys,
        tags,
        projects,
        vpcs,
        nat_gateways,
        droplets,
        droplet_actions,
        firewalls,
        volumes,
        databases,
        database_access,
        actions,
    )
)
WORK = {**DROPLET_WORK, **VOLUME_WORK, **DATABASE_WORK, **NAT_GATEWAY_WORK}
