"""Adapters, all of one floor plan: pure tables and functions, and one file with sockets."""
