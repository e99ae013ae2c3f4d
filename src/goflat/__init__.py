"""goflat: when the bot stops, however it stops, the account goes flat before a deadline."""

__version__ = "0.1.0"
