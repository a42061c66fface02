"""Finds or makes what the local cloud needs: the engine, its plugins, images of machines, databases.

A development tool: nothing that runs against the real cloud imports it.
"""
