"""Managed databases: PostgreSQL and Valkey."""
