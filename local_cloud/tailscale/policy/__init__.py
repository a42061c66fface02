"""A tailnet's policy file: read, checked, its tests run, put into headscale's words. No state, no network."""
