"""A local cloud's life: its supervisor is started, found, stopped, and nothing is left behind."""
