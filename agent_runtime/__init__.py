"""What runs on a tenant's hosts. Imports nothing of Tenantry: it is put there as one file of its own."""
