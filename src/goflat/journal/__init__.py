"""The audit trail: what happened, in order, in a file that cannot be changed unseen."""

from goflat.journal.logger import AuditLogger
from goflat.journal.record import EventType

__all__ = ["AuditLogger", "EventType"]
