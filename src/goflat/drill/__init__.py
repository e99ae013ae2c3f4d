"""DOOR. The fire drill: open real positions, take the account flat, and judge by the venue's truth.

The only room that can open a position. Nothing that acts in an emergency may import it.
"""
