"""Actions: what is being done, or was, to droplets and volumes."""
