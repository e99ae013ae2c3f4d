"""The settings of `goflat run`: which ends of its command flatten, and what the command gets."""

from typing import Literal, TypeAlias, get_args

from goflat.settings.declaration import Kind, Setting, Table

OnExit: TypeAlias = Literal["always", "nonzero", "handover"]
"""After which ends of its command `goflat run` flattens."""

RUN = Table(
    name="run",
    doc="How `goflat run` watches over its command.",
    settings=(
        Setting(
            key="on_exit",
            kind=Kind.CHOICE,
            default="always",
            choices=get_args(OnExit),
            doc="Which end of the command flattens: any, any but status 0, or any without a "
            "hand-over.",
        ),
        Setting(
            key="keep_env",
            kind=Kind.SWITCH,
            default=False,
            doc="Whether the command is left the variables in which the secrets of this file are.",
        ),
        Setting(
            key="kill_grace_seconds",
            kind=Kind.SECONDS,
            default=4.0,
            least=0.1,
            most=3600,
            doc="How long the command may take to end after a SIGTERM, SIGINT or SIGQUIT to goflat "
            "run; then it is frozen and the account flattened.",
        ),
        Setting(
            key="recv_window_seconds",
            kind=Kind.SECONDS,
            default=5.0,
            least=0.1,
            most=60,
            doc="The time window of the command's own orders; the account is looked at again once "
            "it is over.",
        ),
    ),
)
