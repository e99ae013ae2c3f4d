"""For tests, yours and ours: a clock, an audit trail, a venue, all in memory."""
