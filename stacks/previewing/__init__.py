"""What a change would do to every stack: which it touches, what becomes of them, and how that is told."""
