"""GET /v2/regions, /v2/sizes, /v2/images."""

from typing import Any

from local_cloud.digitalocean.calls import Call
from local_cloud.digitalocean.catalogue.images import IMAGES, find_image
from local_cloud.digitalocean.catalogue.regions import region_views
from local_cloud.digitalocean.catalogue.sizes import SIZES
from local_cloud.digitalocean.catalogue.views import image_view, size_view
from local_cloud.digitalocean.errors import NotFoundError
from local_cloud.digitalocean.service import Service

service = Service("API only")


@service.get("/v2/regions")
def list_regions(call: Call) -> dict[str, Any]:
    return call.page("regions", region_views(), lambda view: view)


@service.get("/v2/sizes")
def list_sizes(call: Call) -> dict[str, Any]:
    return call.page("sizes", list(SIZES.values()), size_view)


@service.get("/v2/images")
def list_images(
    call: Call,
    type: str | None = None,  # noqa: A002 - the API's name
    private: str = "false",
    tag_name: str | None = None,
) -> dict[str, Any]:
    # There are no snapshots, custom images, tagged images or one-click applications here.
    none_match = private == "true" or tag_name is not None or type == "application"
    return call.page("images", [] if none_match else list(IMAGES.values()), image_view)


@service.get("/v2/images/{image}")
def get_image(call: Call, image: str) -> dict[str, Any]:  # noqa: ARG001
    found = find_image(image)
    if found is None:
        raise NotFoundError
    return {"image": image_view(found)}
