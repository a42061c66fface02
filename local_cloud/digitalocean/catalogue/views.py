"""Sizes and images as the API shows them."""

from typing import Any

from local_cloud.digitalocean.catalogue.images import Image
from local_cloud.digitalocean.catalogue.regions import NAMES
from local_cloud.digitalocean.catalogue.sizes import Size

IMAGES_CREATED = "2026-01-15T16:20:12Z"


def size_view(size: Size) -> dict[str, Any]:
    return {
        "slug": size.slug,
        "memory": size.memory,
        "vcpus": size.vcpus,
        "disk": size.disk,
        "transfer": size.transfer,
        "price_monthly": size.price_monthly,
        "price_hourly": size.price_hourly,
        "regions": sorted(region for region in NAMES if size.offered_in(region)),
        "available": True,
        "description": size.description,
        "disk_info": disk_info(size.disk),
    }


def disk_info(gib: int) -> list[dict[str, Any]]:
    return [{"type": "local", "size": {"amount": gib, "unit": "gib"}}]


def image_view(image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "name": image.name,
        "distribution": image.distribution,
        "slug": image.slug,
        "public": True,
        "regions": sorted(NAMES),
        "created_at": IMAGES_CREATED,
        "min_disk_size": image.min_disk_size,
        "size_gigabytes": 0.7,
        "description": f"{image.distribution} {image.name}",
        "tags": [],
        "status": "available",
        "error_message": "",
        "type": "base",
    }
