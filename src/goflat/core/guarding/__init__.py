"""What a guard decides: is the bot alive, does a trigger fire, what follows. Told the time."""
