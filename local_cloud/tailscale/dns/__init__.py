"""DNS settings."""
