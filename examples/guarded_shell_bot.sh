#!/bin/sh
# A shell's loop beside the guard: one line more, where the loop makes progress.
while true; do
    ./trade-once || exit 1
    goflat beat maker
    sleep 0.1
done
