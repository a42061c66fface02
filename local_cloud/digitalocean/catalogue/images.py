"""DigitalOcean's distribution images. Which of them this local cloud can boot is the hypervisor's to say."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    id: int
    slug: str
    name: str
    distribution: str
    min_disk_size: int


TABLE = """
debian-11-x64       11 x64            Debian
debian-12-x64       12 x64            Debian
debian-13-x64       13 x64            Debian
ubuntu-20-04-x64    20.04 (LTS) x64   Ubuntu
ubuntu-22-04-x64    22.04 (LTS) x64   Ubuntu
ubuntu-24-04-x64    24.04 (LTS) x64   Ubuntu
ubuntu-25-04-x64    25.04 x64         Ubuntu
ubuntu-25-10-x64    25.10 x64         Ubuntu
fedora-41-x64       41 x64            Fedora
fedora-42-x64       42 x64            Fedora
centos-stream-9-x64 9 Stream x64      CentOS
centos-stream-10-x64 10 Stream x64    CentOS
almalinux-8-x64     8 x64             AlmaLinux
almalinux-9-x64     9 x64             AlmaLinux
almalinux-10-x64    10 x64            AlmaLinux
rockylinux-8-x64    8 x64             Rocky Linux
rockylinux-9-x64    9 x64             Rocky Linux
rockylinux-10-x64   10 x64            Rocky Linux
"""

FIRST_ID = 195_932_981
SMALLEST_DISK_GIB = {"Debian": 7, "Ubuntu": 7}
"""The disk that an image needs; of the other distributions it is 10 GiB."""

DISTRIBUTIONS = ("Debian", "Ubuntu", "Fedora", "CentOS", "AlmaLinux", "Rocky Linux")


def _parse(table: str) -> dict[str, Image]:
    images: dict[str, Image] = {}
    for number, line in enumerate(table.strip().splitlines()):
        slug, _, rest = line.partition(" ")
        distribution = next(name for name in DISTRIBUTIONS if rest.endswith(name))
        name = rest.removesuffix(distribution).strip()
        disk = SMALLEST_DISK_GIB.get(distribution, 10)
        images[slug] = Image(FIRST_ID + number, slug, name, distribution, disk)
    return images


IMAGES = _parse(TABLE)


def find_image(reference: str | int) -> Image | None:
    """By slug, or by id, which may come as a string."""
    if isinstance(reference, str) and reference in IMAGES:
        return IMAGES[reference]
    return next((image for image in IMAGES.values() if str(image.id) == str(reference)), None)
