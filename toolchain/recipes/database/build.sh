#!/bin/sh
# Makes the layer of database hosts: what is written to an overlay on the droplet image while apt works.
# From the environment: LOWER (the droplet image), TARGET (an empty directory, where `layer` is made),
# RECIPE (this folder), and SOURCES and APT_OPTIONS as in the droplet image's script.
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

ROOT="$TARGET/root"
mkdir "$TARGET/layer" "$TARGET/work" "$ROOT"
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$TARGET/layer,workdir=$TARGET/work" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs tmpfs "$ROOT/run"

# shellcheck disable=SC2086  # APT_OPTIONS is a list
apt_get() { chroot "$ROOT" apt-get -q -y $APT_OPTIONS "$@"; }

cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' > "$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
apt_get update
# shellcheck disable=SC2046  # one word per package
apt_get install --no-install-recommends $(grep -v '^#' "$RECIPE/packages.txt")

chroot "$ROOT" adduser --quiet --system --group --home /var/lib/postgresql --shell /bin/bash postgres
chroot "$ROOT" adduser --quiet --system --group --home /var/lib/valkey valkey
chroot "$ROOT" systemctl --quiet disable stunnel4.service 2>/dev/null || :

: > "$ROOT/etc/resolv.conf"
apt_get clean
rm -rf "$ROOT"/var/lib/apt/lists/* "$ROOT"/var/cache/apt/*.bin "$ROOT"/var/log/apt/* "$ROOT/usr/sbin/policy-rc.d"
umount "$ROOT/run" "$ROOT/proc" "$ROOT"
rm -rf "$TARGET/work" "$ROOT"
