"""What runs inside a host while it is verified: sent over its standard input, with Python's library alone.

It imports nothing else of Tenantry, prints no secret, and leaves nothing behind.
"""
