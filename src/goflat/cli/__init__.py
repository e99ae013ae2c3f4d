"""DOOR. What was typed, what was understood, one call."""
