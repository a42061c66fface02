"""Volumes: block devices over files."""
