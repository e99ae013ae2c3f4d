"""Every setting of goflat.toml, as data: the one place where a key is declared.

The loader, the near misses, the template of `goflat init` and the test of the reference all read
these tables. A setting that is not here does not exist.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from goflat.domain.config import (
    MAX_RETRIES,
    RETRY_DELAY_SECONDS,
    TIMEOUT_SECONDS,
    LiquidationConfig,
)
from goflat.settings.declaration import Kind, Setting, Table
from goflat.settings.guard_tables import BOT, GUARD, TRIGGER
from goflat.settings.run_table import RUN
from goflat.settings.spelling import near_miss

QUIET_SECONDS = 1.0
"""How long the second proving reading waits, unless another length is asked for."""

_CONFIG = LiquidationConfig()


EnvironmentName: TypeAlias = Literal["simulated", "testnet", "demo", "production"]
"""Which of a venue's worlds an account lives in."""


_LIQUIDATION = (
    Setting(
        key="emergency_liquidation",
        kind=Kind.SWITCH,
        default=_CONFIG.emergency_liquidation,
        doc="Whether an emergency does anything at all; false leaves the capital at risk.",
    ),
    Setting(
        key="close_positions",
        kind=Kind.SWITCH,
        default=_CONFIG.close_positions,
        doc="Whether positions are closed.",
    ),
    Setting(
        key="cancel_orders",
        kind=Kind.SWITCH,
        default=_CONFIG.cancel_orders,
        doc="Whether working and conditional orders are cancelled.",
    ),
    Setting(
        key="timeout_seconds",
        kind=Kind.SECONDS,
        default=_CONFIG.timeout_seconds,
        least=TIMEOUT_SECONDS[0],
        most=TIMEOUT_SECONDS[1],
        doc="How long a run may take until its answer is given.",
    ),
    Setting(
        key="max_retries",
        kind=Kind.COUNT,
        default=_CONFIG.max_retries,
        least=MAX_RETRIES[0],
        most=MAX_RETRIES[1],
        doc="Further attempts after a refusal; 0 means one attempt.",
    ),
    Setting(
        key="retry_delay_seconds",
        kind=Kind.SECONDS,
        default=_CONFIG.retry_delay_seconds,
        least=RETRY_DELAY_SECONDS[0],
        most=RETRY_DELAY_SECONDS[1],
        doc="The first wait before a retry; each further one is twice as long, with jitter.",
    ),
    Setting(
        key="quiet_seconds",
        kind=Kind.SECONDS,
        default=QUIET_SECONDS,
        least=0.1,
        most=7.5,
        doc="How long the second of the two proving readings waits after the first; "
        "never longer than a quarter of timeout_seconds.",
    ),
    Setting(
        key="scope",
        kind=Kind.SCOPE,
        sample='"account"',
        doc="What run, guard and armed flatten: the whole account, or a list of symbols; "
        "it has no default, and they refuse to start without it.",
    ),
)

_REACHED = (
    Setting(
        key="environment",
        kind=Kind.CHOICE,
        required=True,
        choices=get_args(EnvironmentName),
        sample='"simulated"',
        doc="Which of the venue's worlds this is; production is real money.",
    ),
    Setting(
        key="api_key",
        kind=Kind.SECRET,
        required=True,
        default="env:BINANCE_API_KEY",
        doc="Where the API key is kept.",
    ),
    Setting(
        key="api_secret",
        kind=Kind.SECRET,
        required=True,
        default="env:BINANCE_API_SECRET",
        doc="Where the secret (HMAC) or the private key (Ed25519, PEM) is kept.",
    ),
    Setting(
        key="rest_url",
        kind=Kind.URL,
        schemes=("https", "http"),
        sample='"http://127.0.0.1:9000"',
        doc="The address of the REST API; left out, the environment's own.",
    ),
    Setting(
        key="ws_api_url",
        kind=Kind.URL,
        schemes=("wss", "ws"),
        sample='"ws://127.0.0.1:9000/ws-fapi/v1"',
        doc="The address of the WebSocket API; left out, the environment's own.",
    ),
    Setting(
        key="stream_url",
        kind=Kind.URL,
        schemes=("wss", "ws"),
        sample='"ws://127.0.0.1:9000"',
        doc="The root address of the streams; left out, the environment's own.",
    ),
    Setting(
        key="sapi_url",
        kind=Kind.URL,
        schemes=("https", "http"),
        sample='"http://127.0.0.1:9000"',
        doc="The address where the rights of the key are asked; left out, the environment's own, "
        "and test networks have none.",
    ),
)

_VENUE_NAME = Setting(
    key="name",
    kind=Kind.CHOICE,
    default="binance-usdm",
    choices=("binance-usdm",),
    doc="Which venue this is.",
)

LIQUIDATION = Table(
    name="liquidation",
    doc="What a liquidation does, and how long it may take.",
    settings=_LIQUIDATION,
    emergency=True,
)

VENUE = Table(
    name="venue",
    doc="The one account, called main. For several, write [[account]] tables instead.",
    settings=(_VENUE_NAME, *_REACHED),
    emergency=True,
)

ACCOUNT = Table(
    name="account",
    doc="One of several accounts, with the keys of [venue] and a name. Not together with [venue].",
    settings=(
        Setting(
            key="name",
            kind=Kind.NAME,
            required=True,
            sample='"main"',
            doc="What the account is called in commands and reports.",
        ),
        Setting(
            key="venue",
            kind=Kind.CHOICE,
            default=_VENUE_NAME.default,
            choices=_VENUE_NAME.choices,
            doc="Which venue this is.",
        ),
        *_REACHED,
    ),
    emergency=True,
    repeats=True,
)

AUDIT = Table(
    name="audit",
    doc="The record of what was done, which can be verified later.",
    settings=(
        Setting(
            key="path",
            kind=Kind.PATH,
            sample='"audit.jsonl"',
            suggested=True,
            doc="The file that is appended to; left out, no audit trail is kept.",
        ),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType(
    {table.name: table for table in (LIQUIDATION, VENUE, ACCOUNT, AUDIT, RUN, GUARD, BOT, TRIGGER)}
)
"""Every table of the file, by name."""

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "GOFLAT_CONFIG": "The path of the configuration, where --config is not given.",
        "GOFLAT_STATE_DIR": "The directory of the latch, for this user alone; else "
        "$STATE_DIRECTORY of systemd, else $XDG_STATE_HOME/goflat, else ~/.local/state/goflat.",
        "GOFLAT_RUN": "Set by goflat run for its command: the mark by which its processes are "
        "known.",
        "GOFLAT_HANDOVER_FD": 'Set by goflat run for its command, with on_exit = "handover": the '
        "descriptor that takes the word that positions may stay.",
    }
)
"""Every environment variable that goflat reads by itself, and what it means."""


def emergency_needs(name: str) -> bool:
    """Whether a fault in a table of that name is refused by every command.

    A misspelt name counts as the name that was meant, and a setting outside of its table as its
    table: what somebody wrote into [liquidaton] must not pass for the defaults.
    """
    if (table := TABLES.get(name)) is not None:
        return table.emergency
    if any(table.emergency and table.setting(name) for table in TABLES.values()):
        return True
    meant = near_miss(name, TABLES)
    return meant is not None and TABLES[meant].emergency
