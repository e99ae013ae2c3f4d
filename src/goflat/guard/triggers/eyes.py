"""What triggers look through: a venue that is open already, and what the checks know."""

from dataclasses import dataclass

from goflat.core.guarding.limits import Finding
from goflat.errors import GoflatError
from goflat.guard.checker import ExaminedVenue, Proofs


class NotReadable(GoflatError):
    """A trigger could not be read, and why. It is no evidence of anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """One account, to be looked at."""

    venue: ExaminedVenue
    proofs: Proofs


def known(finding: Finding) -> Finding:
    """A finding that says yes or no. Raises NotReadable where it could not be told."""
    if finding.fires is None:
        raise NotReadable(finding.text)
    return finding
