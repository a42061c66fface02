"""The members of the tailnet."""
