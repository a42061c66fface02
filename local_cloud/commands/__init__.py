"""The commands of `python -m local_cloud`."""
