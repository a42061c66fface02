"""DigitalOcean's data centre regions, and the sizes that each has."""

from typing import Any

from local_cloud.digitalocean.catalogue.sizes import SIZES

NAMES = {
    "nyc1": "New York 1",
    "nyc2": "New York 2",
    "nyc3": "New York 3",
    "ams3": "Amsterdam 3",
    "sfo2": "San Francisco 2",
    "sfo3": "San Francisco 3",
    "sgp1": "Singapore 1",
    "lon1": "London 1",
    "fra1": "Frankfurt 1",
    "tor1": "Toronto 1",
    "blr1": "Bangalore 1",
    "syd1": "Sydney 1",
    "atl1": "Atlanta 1",
}
CLOSED = {"ams2": "Amsterdam 2", "sfo1": "San Francisco 1"}
"""Regions that exist and take nothing new."""

FEATURES = ("backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer")


def region_view(slug: str) -> dict[str, Any]:
    available = slug in NAMES
    sizes = [size.slug for size in SIZES.values() if size.offered_in(slug)] if available else []
    return {
        "name": NAMES.get(slug) or CLOSED[slug],
        "slug": slug,
        "features": list(FEATURES),
        "available": available,
        "sizes": sizes,
    }


def region_views() -> list[dict[str, Any]]:
    return [region_view(slug) for slug in (*NAMES, *CLOSED)]
