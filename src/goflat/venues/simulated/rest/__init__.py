"""What each path answers: one file a subject, one table of all. No sockets here."""
