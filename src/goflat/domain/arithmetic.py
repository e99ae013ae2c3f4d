"""How decimals are reckoned with here, whatever the program around us has set for its own."""

from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow

EXACT = Context(
    prec=96, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow]
)
"""Digits for any quantity that a venue may write over any step, so that nothing is ever rounded.

A bot that sets six digits for its own reckoning would otherwise have a position of 123456.789 read
as 123457, and find it beyond division by its step.
"""
