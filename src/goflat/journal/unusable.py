"""Why a file cannot be written as a trail, as far as it matters for what is tried next."""

from goflat.errors import GoflatError


class Unusable(GoflatError):
    """A file that cannot be written as a trail, and why."""


class Busy(Unusable):
    """Another process, or another logger of this one, writes it."""


class Occupied(Unusable):
    """There is something of somebody else's, or something damaged."""


class NoAccess(Unusable):
    """The operating system does not let us: the reason is its word."""


class Device(Unusable):
    """It is a device. A file beside it would be one among devices."""
