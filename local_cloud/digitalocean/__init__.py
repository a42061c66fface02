"""DigitalOcean's API v2 on this machine. What it has of it: docs/local-cloud-coverage.md."""

from local_cloud.digitalocean.app import create_app
from local_cloud.digitalocean.protocol import Hypervisor

__all__ = ["Hypervisor", "create_app"]
