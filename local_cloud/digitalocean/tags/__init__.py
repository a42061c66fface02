"""Tags, and what carries them."""
