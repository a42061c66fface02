"""Projects, and the resources in them."""
