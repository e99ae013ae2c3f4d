"""What else can pull the switch: each file reads one kind of thing, and only says what it saw."""
