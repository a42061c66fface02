"""Bringing a stack back after a crash: what was left, what to do about it, and doing it."""
