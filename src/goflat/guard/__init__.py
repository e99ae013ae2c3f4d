"""DOOR for whoever watches over a bot from outside of its process: processes, fence, latch, run."""
