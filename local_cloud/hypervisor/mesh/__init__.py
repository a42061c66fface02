"""The mesh: the coordination server with its relay, and who belongs to the local cloud itself."""
