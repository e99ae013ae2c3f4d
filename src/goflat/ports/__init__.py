"""The sockets in the wall: protocols, nothing else."""
