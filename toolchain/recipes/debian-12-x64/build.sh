#!/bin/sh
# Makes the root file system of the droplet image debian-12-x64.
# From the environment: ROOT (an empty directory), RECIPE (this folder), TAILSCALE (the folder of its
# programs), MIRROR, SOURCES (lines for sources.list) and APT_OPTIONS (the machine's own -o settings,
# separated by white space).
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

echo "debootstrap of Debian 12"
debootstrap --variant=minbase bookworm "$ROOT" "$MIRROR"

# shellcheck disable=SC2086  # APT_OPTIONS is a list
apt_get() { chroot "$ROOT" apt-get -q -y $APT_OPTIONS "$@"; }

mount -t proc proc "$ROOT/proc"
mount -t tmpfs tmpfs "$ROOT/run"
printf '%s\n' "$SOURCES" > "$ROOT/etc/apt/sources.list"
cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
cp -R "$RECIPE/files/." "$ROOT/"
echo force-unsafe-io > "$ROOT/etc/dpkg/dpkg.cfg.d/build"
printf '#!/bin/sh\nexit 101\n' > "$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"

apt_get update
apt_get dist-upgrade
# shellcheck disable=SC2046  # one word per package
apt_get install --no-install-recommends $(grep -v '^#' "$RECIPE/packages.txt")

# Where Tailscale's Debian package puts them; the command is the daemon's program by another name. Unlike
# there the unit is not enabled: a host starts it once its own firewall stands.
install -m 755 "$TAILSCALE/tailscaled" "$ROOT/usr/sbin/tailscaled"
ln -s ../sbin/tailscaled "$ROOT/usr/bin/tailscale"

echo "trimming"
units="$ROOT/etc/systemd/system"
mkdir -p "$ROOT/etc/systemd/system-generators"
for generator in $(grep -v '^#' "$RECIPE/masked-generators.txt"); do
  ln -s /dev/null "$ROOT/etc/systemd/system-generators/$generator"
done
# shellcheck disable=SC2046  # one word per unit
chroot "$ROOT" systemctl --quiet mask $(grep -v '^#' "$RECIPE/masked-units.txt")
# Whoever wants these enables them; until then a boot need not pay for them.
chroot "$ROOT" systemctl --quiet disable fail2ban.service unattended-upgrades.service
ln -s /lib/systemd/system/cloud-init.target "$units/multi-user.target.wants/cloud-init.target"
chroot "$ROOT" python3 -m compileall -q /usr/lib/python3 /usr/lib/python3.11

# Every machine makes its own identity at its first boot.
rm -f "$ROOT"/etc/ssh/ssh_host_* "$ROOT/var/lib/dbus/machine-id"
: > "$ROOT/etc/machine-id"
: > "$ROOT/etc/resolv.conf"
echo debian > "$ROOT/etc/hostname"

apt_get clean
rm -rf "$ROOT"/var/lib/apt/lists/* "$ROOT"/var/cache/apt/*.bin "$ROOT"/var/log/*.log "$ROOT"/var/log/apt/* \
  "$ROOT/etc/dpkg/dpkg.cfg.d/build" "$ROOT/usr/sbin/policy-rc.d" "$ROOT"/tmp/* "$ROOT"/debootstrap
umount "$ROOT/run" "$ROOT/proc"
