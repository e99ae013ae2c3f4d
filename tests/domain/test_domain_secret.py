"""A secret is shown to nobody who does not ask for it by name."""

import copy
import json
import pickle
import traceback

import pytest

from goflat.domain.secret import Secret

TEXT = "hunter2-hunter2-hunter2"


@pytest.mark.parametrize(
    "shown",
    [
        repr,
        str,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!s:>40}",
        lambda secret: f"{secret!r}",
        lambda secret: f"{secret:>60}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - people still write it
        "{}".format,
        lambda secret: repr([secret, {"key": secret}, (secret,)]),
        ascii,
    ],
)
def test_no_way_of_printing_shows_it(shown) -> None:
    assert TEXT not in shown(Secret(TEXT))


@pytest.mark.parametrize(
    "taken",
    [
        pickle.dumps,
        lambda secret: pickle.dumps(secret, protocol=0),
        lambda secret: pickle.dumps({"key": secret}),
        copy.copy,
        copy.deepcopy,
        lambda secret: copy.deepcopy({"key": secret}),
        json.dumps,
        vars,
    ],
)
def test_it_is_not_pickled_copied_or_written_as_json(taken) -> None:
    with pytest.raises(TypeError) as caught:
        taken(Secret(TEXT))

    assert TEXT not in "".join(traceback.format_exception(caught.value))


def test_two_secrets_are_not_compared_by_what_they_hold() -> None:
    assert Secret(TEXT) != Secret(TEXT)
    assert Secret(TEXT) != TEXT


def test_whoever_signs_gets_it() -> None:
    assert Secret(TEXT).reveal() == TEXT
