"""`goflat run`: a command, the one who started it, and a liquidator that outlives them both.

Three processes. The *supervisor* starts the command, hands it the terminal and every signal, and
sees it end. The *liquidator* is nobody's child, in a session of its own, with everything imported,
opened and warm; it freezes what is left of the command, takes the account flat, and ends what it
froze. The *command* knows nothing of either.

Each of the two watches the other. A supervisor that is killed is a reason for the liquidator to
act; a liquidator that is killed is replaced at once by the supervisor, which has everything in
memory that the next one needs.
"""
