"""The tailnet's policy file."""
