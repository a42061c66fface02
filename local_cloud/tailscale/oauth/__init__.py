"""Access tokens for OAuth clients."""
