"""Collections are held back during a run, and only then."""

import gc

import pytest

from goflat.shell.garbage import collections_held


def failing_run() -> None:
    with collections_held():
        assert not gc.isenabled()
        raise RuntimeError


def test_collections_are_off_inside_and_on_again_after_an_exception() -> None:
    with pytest.raises(RuntimeError):
        failing_run()

    assert gc.isenabled()


def test_a_program_that_collects_by_hand_is_left_as_it_was() -> None:
    gc.disable()
    try:
        with collections_held():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
