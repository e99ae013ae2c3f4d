"""Time to flat: goflat against what people use otherwise, and against bare sockets.

A program of its own beside the package: `python -m benchmarks`. The venue runs in a process on
one core, each contestant in a fresh process on another, and the venue's own ledger is the judge.
"""
