"""SECOND FLOOR. Adapters of one floor plan: requests, parse and failures as tables."""
