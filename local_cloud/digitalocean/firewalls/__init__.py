"""Cloud firewalls."""
