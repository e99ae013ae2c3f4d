"""THIRD FLOOR. The only asyncio in the straight line from a trigger to an outcome."""
