"""Where a scenario is played: the embedded venue, or an account on a test network.

Both are reached over sockets and with the same classes. The embedded one runs on a thread of its
own and is new for every scenario, so that its ledger tells of that scenario alone.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import TypeAlias

from goflat.compose import open_venue
from goflat.domain.config import LiquidationConfig
from goflat.domain.instrument import Symbol
from goflat.domain.secret import Secret
from goflat.drill.ground import Ground, truth_of
from goflat.drill.opening import OpeningClient
from goflat.drill.scenario import Scenario
from goflat.drill.second_opinion import seen_by
from goflat.errors import SettingsError
from goflat.settings import AccountSettings, Settings
from goflat.venues.binance.environments import host_class
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.venue import BinanceVenue
from goflat.venues.simulated.credentials import Credential
from goflat.venues.simulated.exchange import AccountSetup
from goflat.venues.simulated.venue import SimulatedVenue

LATENCY_MS = 10.0
"""Round trip to the embedded venue, added to what the sockets take."""

SCENARIO_WEIGHT = 1200
"""Request weight that one scenario takes with its set-up and its clean-up, and some air."""

PLAY_MONEY = frozenset({"test", "loopback"})
"""The classes of host to which the drill sends opening orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One account, seen from three sides: goflat's, the bot's, and the judge's.

    `settings` None: the scenarios' own configurations hold. `since_ms` is the venue's time from
    which on orders belong to this scenario. `secrets` are looked for in everything written.
    """

    venue: BinanceVenue
    opener: OpeningClient
    goflat_key: str | None = None
    simulated: SimulatedVenue | None = None
    settings: Settings | None = None
    since_ms: int = 0
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    async def ground(self, scenario: Scenario) -> Ground:
        """What is so now.

        Raises:
            SetUpFailed: it could not be read.
        """
        if self.simulated is not None and self.goflat_key is not None:
            return truth_of(self.simulated, goflat_key=self.goflat_key)
        symbols = scenario.setting.symbols
        return await seen_by(self.opener, symbols, since_ms=self.since_ms)

    def scope(self, scenario: Scenario) -> list[Symbol] | None:
        """The whole account where it is ours; elsewhere only what the drill opens."""
        return None if self.simulated is not None else list(scenario.setting.symbols)

    def config(self, scenario: Scenario) -> LiquidationConfig:
        """The scenario's, with the user's own times where there are some."""
        if self.settings is None or not scenario.config.protects:
            return scenario.config
        given = self.settings.liquidation
        return replace(
            scenario.config,
            timeout_seconds=given.timeout_seconds,
            max_retries=given.max_retries,
            retry_delay_seconds=given.retry_delay_seconds,
        )

    def quiet_seconds(self, scenario: Scenario) -> float:
        return scenario.quiet_seconds if self.settings is None else self.settings.quiet_seconds

    async def wait_for_room(self) -> None:
        """Keep to the limits of a venue that is not ours."""
        if self.simulated is None:
            await self.opener.wait_for_room(SCENARIO_WEIGHT)

    def leaks(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The names of the secrets that are in one of these texts."""
        whole = "\n".join(texts)
        return tuple(name for name, secret in self.secrets.items() if secret.reveal() in whole)

    def why_not(self, scenario: Scenario) -> str | None:
        """Why a scenario cannot be played here; None if it can."""
        if self.simulated is not None:
            return None
        if scenario.why_not_elsewhere is not None:
            return scenario.why_not_elsewhere
        if scenario.setting.hedge and not self.opener.hedge:
            return "needs hedge mode, and the drill does not switch the mode of your account"
        halted = [s for s in scenario.setting.symbols if s not in self.opener.trading]
        return f"not traded there: {', '.join(halted)}" if halted else None


Setup: TypeAlias = Callable[[], AbstractAsyncContextManager[Stage]]
"""Makes a stage for one scenario, and takes it down."""


@asynccontextmanager
async def embedded() -> AsyncIterator[Stage]:
    """A new venue on a thread of its own. Two keys, so that its ledger tells who did what."""
    goflat, bot = _Key(), _Key()
    account = AccountSetup(api_key=goflat.api_key.reveal(), api_secret=goflat.api_secret)
    simulated = SimulatedVenue(accounts=[account], latency_ms=LATENCY_MS)
    simulated.add_key(
        Credential(
            api_key=bot.api_key.reveal(),
            account=account.name,
            secret=bot.api_secret.reveal().encode(),
        )
    )
    with simulated.in_thread():
        venue = BinanceVenue(rest_url=simulated.rest_url, credentials=goflat.credentials())
        try:
            async with OpeningClient(simulated.rest_url, bot.credentials()) as opener:
                yield Stage(
                    venue=venue,
                    opener=opener,
                    simulated=simulated,
                    goflat_key=account.api_key,
                    secrets={"API key": goflat.api_key, "API secret": goflat.api_secret},
                )
        finally:
            await venue.aclose()


@dataclass(frozen=True, slots=True)
class _Key:
    """A key that no other venue has ever known."""

    api_key: Secret = field(default_factory=lambda: Secret(token_hex(32)))
    api_secret: Secret = field(default_factory=lambda: Secret(token_hex(32)))

    def credentials(self) -> Credentials:
        return Credentials(api_key=self.api_key, api_secret=self.api_secret)


def on_account(account: AccountSettings, settings: Settings) -> Setup:
    """An account of the user's, on a venue that is not ours.

    Raises:
        SettingsError: there could be real money, or a secret cannot be had.
    """
    refuse_real_money(account)

    @asynccontextmanager
    async def setup() -> AsyncIterator[Stage]:
        venue = open_venue(account)
        assert account.rest_url is not None
        key, secret = account.api_key.resolve(), account.api_secret.resolve()
        credentials = Credentials(api_key=key, api_secret=secret)
        try:
            async with OpeningClient(account.rest_url, credentials) as opener:
                yield Stage(venue=venue, opener=opener, settings=settings, since_ms=opener.now_ms())
        finally:
            await venue.aclose()

    return setup


def refuse_real_money(account: AccountSettings) -> None:
    """Let nothing pass but hosts of play money, whatever the environment is called.

    Raises:
        SettingsError: an address is of another class.
    """
    for key, url in account.refuse_embedded().addresses.items():
        if (kind := host_class(url)) not in PLAY_MONEY:
            raise SettingsError(
                f"the drill opens positions, and {key} of account {account.name} is a {kind} host: "
                "it goes to test networks and this machine only. Nothing was sent."
            )
