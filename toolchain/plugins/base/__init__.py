"""What every provider stand-in shares: values, checks, diffs, schema, waiting, and the gRPC service itself.

A provider adds its resources (how the API behind it is called) and its functions. It does not repeat what the
facts of the official schema already say.
"""
