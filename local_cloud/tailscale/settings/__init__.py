"""Settings of the tailnet."""
