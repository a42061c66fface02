"""Block storage volumes."""
