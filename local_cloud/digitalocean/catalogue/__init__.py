"""What DigitalOcean offers everyone: regions, sizes, images."""
