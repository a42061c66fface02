"""Tailscale's API v2 on this machine, in front of headscale. What it has of it: docs/tailscale-api.md."""

from local_cloud.tailscale.app import create_app

__all__ = ["create_app"]
