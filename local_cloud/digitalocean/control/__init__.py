"""The local cloud's own routes, under /_local/: what DigitalOcean has not."""
