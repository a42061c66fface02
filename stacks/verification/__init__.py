"""Measuring what a tenant promises: probes in its hosts, and the judgement of what they found."""
