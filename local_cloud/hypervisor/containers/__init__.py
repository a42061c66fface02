"""What machines and databases run in: systemd-nspawn, control groups, the way in."""
