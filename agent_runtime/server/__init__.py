"""A small HTTPS server for JSON, with mutual TLS and bounds on everything that a peer can use up."""
