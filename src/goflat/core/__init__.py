"""Decisions of a run: pure, told the time, and everything in them has a bound."""
