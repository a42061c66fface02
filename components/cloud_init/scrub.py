"""Removes the copies that cloud-init keeps of user-data, which holds credentials, after every boot.

Root can still read user-data from the metadata service; the host's firewall keeps everybody else from it.
"""

from components.cloud_init.part import DIRECTORY, File, Part, Step
from components.cloud_init.sandbox import SANDBOX

SCRIPT = f"{DIRECTORY}/scrub-user-data"
UNIT = "tenantry-scrub-user-data.service"

_WANTS = "/etc/systemd/system/cloud-init.target.wants"

_SCRIPT = """\
#!/bin/sh
set -eu
cd /var/lib/cloud/instances
for instance in */; do
  rm -f "$instance"user-data.txt* "$instance"cloud-config.txt "$instance"obj.pkl
done
rm -f /run/cloud-init/instance-data-sensitive.json /run/cloud-init/combined-cloud-config.json
"""

_UNIT = f"""\
[Unit]
Description=Remove the copies of user-data that cloud-init keeps
After=cloud-final.service

[Service]
Type=oneshot
ExecStart={SCRIPT}
CapabilityBoundingSet=
IPAddressDeny=any
PrivateDevices=yes
PrivateNetwork=yes
ReadWritePaths=/var/lib/cloud -/run/cloud-init
RestrictAddressFamilies=none
{SANDBOX}
[Install]
WantedBy=cloud-init.target
"""


def scrub() -> Part:
    """The link is what `systemctl enable` makes; started now, the unit waits for the end of cloud-init."""
    return Part(
        files=(
            File(path=SCRIPT, content=_SCRIPT, mode="0755"),
            File(path=f"/etc/systemd/system/{UNIT}", content=_UNIT),
        ),
        steps=(
            Step(
                name="scrubbing of user-data",
                script=f"mkdir -p {_WANTS}\nln -sfn ../{UNIT} {_WANTS}/\nsystemctl start --no-block {UNIT}",
            ),
        ),
    )
