"""DigitalOcean's droplet sizes: slug, MiB of memory, vCPUs, GiB of disk, TB of transfer, dollars a month.

Memory, vCPUs, disks and prices are those that `doctl compute size list` prints.
"""

from dataclasses import dataclass

HOURS_BILLED_PER_MONTH = 672
SMALLEST = "s-1vcpu-512mb-10gb"
REGIONS_OF_THE_SMALLEST = frozenset({"ams3", "fra1", "nyc1", "sfo3", "sgp1", "syd1"})


@dataclass(frozen=True)
class Size:
    slug: str
    memory: int
    vcpus: int
    disk: int
    transfer: float
    price_monthly: float
    description: str

    @property
    def price_hourly(self) -> float:
        return round(self.price_monthly / HOURS_BILLED_PER_MONTH, 5)

    def offered_in(self, region: str) -> bool:
        return self.slug != SMALLEST or region in REGIONS_OF_THE_SMALLEST


TABLE = """
Basic
s-1vcpu-512mb-10gb      512  1   10  0.5  4
s-1vcpu-1gb            1024  1   25  1    6
s-1vcpu-2gb            2048  1   50  2   12
s-2vcpu-2gb            2048  2   60  3   18
s-2vcpu-4gb            4096  2   80  4   24
s-4vcpu-8gb            8192  4  160  5   48
s-8vcpu-16gb          16384  8  320  6   96
Basic AMD
s-1vcpu-1gb-amd        1024  1   25  1    7
s-1vcpu-2gb-amd        2048  1   50  2   14
s-2vcpu-2gb-amd        2048  2   60  3   21
s-2vcpu-4gb-amd        4096  2   80  4   28
s-4vcpu-8gb-amd        8192  4  160  5   56
s-8vcpu-16gb-amd      16384  8  320  6  112
Basic Intel
s-1vcpu-1gb-intel      1024  1   25  1    7
s-1vcpu-1gb-35gb-intel 1024  1   35  1    8
s-1vcpu-2gb-intel      2048  1   50  2   14
s-1vcpu-2gb-70gb-intel 2048  1   70  2   16
s-2vcpu-2gb-intel      2048  2   60  3   21
s-2vcpu-2gb-90gb-intel 2048  2   90  3   24
s-2vcpu-4gb-intel      4096  2   80  4   28
s-2vcpu-4gb-120gb-intel 4096 2  120  4   32
s-4vcpu-8gb-intel      8192  4  160  5   56
s-4vcpu-8gb-240gb-intel 8192 4  240  6   64
s-8vcpu-16gb-intel    16384  8  320  6  112
s-8vcpu-16gb-480gb-intel 16384 8 480 9  128
CPU-Optimized
c-2                    4096  2   25  4   42
c-4                    8192  4   50  5   84
c-8                   16384  8  100  6  168
c-16                  32768 16  200  7  336
c-32                  65536 32  400  9  672
CPU-Optimized 2x SSD
c2-2vcpu-4gb           4096  2   50  4   47
c2-4vcpu-8gb           8192  4  100  5   94
c2-8vcpu-16gb         16384  8  200  6  188
c2-16vcpu-32gb        32768 16  400  7  376
c2-32vcpu-64gb        65536 32  800  9  752
General Purpose
g-2vcpu-8gb            8192  2   25  4   63
g-4vcpu-16gb          16384  4   50  5  126
g-8vcpu-32gb          32768  8  100  6  252
g-16vcpu-64gb         65536 16  200  7  504
g-32vcpu-128gb       131072 32  400  8 1008
g-40vcpu-160gb       163840 40  500  9 1260
General Purpose 2x SSD
gd-2vcpu-8gb           8192  2   50  4   68
gd-4vcpu-16gb         16384  4  100  5  136
gd-8vcpu-32gb         32768  8  200  6  272
gd-16vcpu-64gb        65536 16  400  7  544
gd-32vcpu-128gb      131072 32  800  8 1088
gd-40vcpu-160gb      163840 40 1000  9 1360
Memory-Optimized
m-2vcpu-16gb          16384  2   50  4   84
m-4vcpu-32gb          32768  4  100  6  168
m-8vcpu-64gb          65536  8  200  7  336
m-16vcpu-128gb       131072 16  400  8  672
m-24vcpu-192gb       196608 24  600  9 1008
m-32vcpu-256gb       262144 32  800 10 1344
Memory-Optimized 3x SSD
m3-2vcpu-16gb         16384  2  150  4  104
m3-4vcpu-32gb         32768  4  300  6  208
m3-8vcpu-64gb         65536  8  600  7  416
Storage-Optimized
so-2vcpu-16gb         16384  2  300  4  131
so-4vcpu-32gb         32768  4  600  6  262
so-8vcpu-64gb         65536  8 1200  7  524
so-16vcpu-128gb      131072 16 2400  8 1048
so-24vcpu-192gb      196608 24 3600  9 1572
so-32vcpu-256gb      262144 32 4800 10 2096
Storage-Optimized 1.5x SSD
so1_5-2vcpu-16gb      16384  2  450  4  163
so1_5-4vcpu-32gb      32768  4  900  6  326
so1_5-8vcpu-64gb      65536  8 1800  7  652
"""


def _parse(table: str) -> dict[str, Size]:
    sizes: dict[str, Size] = {}
    description = ""
    for line in table.strip().splitlines():
        fields = line.split()
        if len(fields) < 6:
            description = line
            continue
        slug, memory, vcpus, disk, transfer, price = fields
        sizes[slug] = Size(
            slug, int(memory), int(vcpus), int(disk), float(transfer), float(price), description
        )
    return sizes


SIZES = _parse(TABLE)
