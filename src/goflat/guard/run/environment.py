"""What the command gets as its environment: everything that was there, and none of the keys."""

import secrets
from collections.abc import Mapping

from goflat.guard.trees import Mark
from goflat.settings import SecretPlace, Settings

MARK = "GOFLAT_RUN"
HANDOVER = "GOFLAT_HANDOVER_FD"
STATE = "GOFLAT_STATE_DIR"


def new_mark() -> Mark:
    """A mark that no other run has."""
    return Mark(name=MARK, value=secrets.token_hex(16))


def secret_variables(settings: Settings) -> frozenset[str]:
    """The variables in which the configuration says that secrets are: of every account."""
    refs = [ref for it in settings.accounts.values() for ref in (it.api_key, it.api_secret)]
    if settings.guarding is not None and settings.guarding.guard.totp_secret is not None:
        refs.append(settings.guarding.guard.totp_secret)
    return frozenset(ref.name for ref in refs if ref.place is SecretPlace.ENV)


def command_environment(
    environ: Mapping[str, str],
    settings: Settings,
    *,
    mark: Mark,
    handover: int | None,
    state_directory: str | None,
) -> dict[str, str]:
    """The environment of the command.

    `handover` is the descriptor that takes its word, where it is asked for one. `state_directory`
    is where the latch is, so that `goflat.is_latched` looks into the same place as we do.
    """
    hidden = frozenset[str]() if settings.run.keep_env else secret_variables(settings)
    ours = {
        MARK: mark.value,
        HANDOVER: None if handover is None else str(handover),
        STATE: state_directory,
    }
    kept = {name: text for name, text in environ.items() if name not in hidden | ours.keys()}
    return kept | {name: text for name, text in ours.items() if text is not None}
