"""The account of a token."""
