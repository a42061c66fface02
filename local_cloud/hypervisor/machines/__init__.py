"""Droplets: Debian machines with disks of their own."""
