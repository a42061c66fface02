"""Measurements of the whole, side by side in one run: `make bench`. A time is never asserted anywhere."""
