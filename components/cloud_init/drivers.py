"""Drivers that no host of ours needs and that an attacker may: the kernel doesn't load them.

After CIS Debian Linux 12 Benchmark v1.1, sections 1.1.1 and 3.2.
"""

from components.cloud_init.part import File, Part

FILE_SYSTEMS = ("cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "squashfs", "udf")
STORAGE = ("usb-storage", "firewire-core", "firewire-ohci", "firewire-sbp2")
PROTOCOLS = ("dccp", "sctp", "rds", "tipc")


def drivers() -> Part:
    """`install` beats a `blacklist` alone, which a program that names the driver gets round."""
    lines = "".join(
        f"blacklist {name}\ninstall {name} /bin/true\n" for name in (*FILE_SYSTEMS, *STORAGE, *PROTOCOLS)
    )
    return Part(files=(File(path="/etc/modprobe.d/tenantry.conf", content=lines),))
