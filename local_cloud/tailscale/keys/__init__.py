"""Auth keys, OAuth clients and API access tokens."""
