"""What things are: values of the ground floor.

Standard library only. No clock, no I/O, no async, no float for money or quantity.
"""
