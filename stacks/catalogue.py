"""What DigitalOcean offers, asked before anything is created, so that a wrong word costs nothing.

Database sizes are the one list kept here: the provider has no function for them.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pulumi_digitalocean as digitalocean

from stacks.errors import CatalogueError
from stacks.spec import TenantSpec
from stacks.spec_errors import Problem, SpecError, suggestion

_SHARED_DATABASE_SIZES = frozenset(slug.value for slug in digitalocean.DatabaseSlug)
_PREMIUM_SHAPES = (
    "1vcpu-1gb",
    "1vcpu-2gb",
    "2vcpu-4gb",
    "2vcpu-8gb",
    "4vcpu-8gb",
    "4vcpu-16gb",
    "8vcpu-32gb",
)

DATABASE_SIZES = _SHARED_DATABASE_SIZES | {
    f"db-{processor}-{shape}" for processor in ("amd", "intel") for shape in _PREMIUM_SHAPES
}
"""The provider's own list, and the premium sizes of DigitalOcean's price list for managed databases."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """`sizes` and `images` map a slug to the regions that have it."""

    regions: Collection[str]
    sizes: Mapping[str, Collection[str]]
    images: Mapping[str, Collection[str]]
    database_sizes: Collection[str] = DATABASE_SIZES

    @classmethod
    def of_digitalocean(cls) -> "Catalogue":
        """Asks the provider, and so DigitalOcean. Raises CatalogueError, with the provider's own words."""
        with _asked():
            regions = digitalocean.get_regions().regions
            sizes = digitalocean.get_sizes().sizes
            images = digitalocean.get_images().images
        return cls(
            regions=[region.slug for region in regions if region.available],
            sizes={size.slug: size.regions for size in sizes if size.available},
            images={image.slug: image.regions for image in images if image.slug},
        )


@contextmanager
def _asked() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the SDK raises nothing narrower for a call that failed
        reason = str(error).rpartition(" returned an error: ")[2]
        msg = f"nothing was created: DigitalOcean can't be asked what it offers: {reason}"
        raise CatalogueError(msg) from error


def refuse_unknown(spec: TenantSpec, catalogue: Catalogue) -> None:
    """Raises SpecError when a region, size or image of the spec doesn't exist, or not where it is wanted."""
    if problems := list(_problems(spec, catalogue)):
        raise SpecError(f"the spec of {spec.tenant!r}", problems)


def _problems(spec: TenantSpec, catalogue: Catalogue) -> Iterator[Problem]:
    if spec.region not in catalogue.regions:
        fix = suggestion(spec.region, catalogue.regions, kind="region")
        yield Problem(field="region", value=repr(spec.region), fix=fix)
        return
    droplets = {f"agents[{index}].size": agent.size for index, agent in enumerate(spec.agents)}
    for field, size in {**droplets, "guardrail.size": spec.guardrail.size}.items():
        yield from _offered(field, size, catalogue.sizes, spec.region, "droplet size")
    yield from _offered("image", spec.image, catalogue.images, spec.region, "image")
    for field, size in {"database.size": spec.database.size, "cache.size": spec.cache.size}.items():
        if size not in catalogue.database_sizes:
            fix = suggestion(size, catalogue.database_sizes, kind="database size")
            yield Problem(field=field, value=repr(size), fix=fix)


def _offered(
    field: str, slug: str, offered: Mapping[str, Collection[str]], region: str, kind: str
) -> Iterator[Problem]:
    if slug not in offered:
        here = [known for known, regions in offered.items() if region in regions]
        yield Problem(field=field, value=repr(slug), fix=suggestion(slug, here, kind=kind))
    elif region not in offered[slug]:
        fix = f"this {kind} is not in {region}; it is in {', '.join(sorted(offered[slug])) or 'no region'}"
        yield Problem(field=field, value=repr(slug), fix=fix)
