"""For every room: properties that draw the same examples on every machine, and no longer wait.

A longer and random search is a choice: `HYPOTHESIS_PROFILE=search`.
"""

import os

from hypothesis import settings

settings.register_profile("house", derandomize=True, deadline=None, database=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
