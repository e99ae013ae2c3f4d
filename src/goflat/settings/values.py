"""What goflat.toml says, read and checked: frozen values without a secret in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from goflat.domain.config import LiquidationConfig
from goflat.domain.scope import Scope
from goflat.errors import Mistake, SettingsError
from goflat.settings.addresses import ADDRESSES, host
from goflat.settings.guarding import Guarding
from goflat.settings.run_table import OnExit
from goflat.settings.schema import EnvironmentName
from goflat.settings.secret_ref import SecretRef
from goflat.settings.spelling import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """One account at one venue: where it is, and where its keys are kept.

    An address is None where there is none. All of them are None for an embedded venue.
    """

    name: str
    venue: str
    environment: EnvironmentName
    api_key: SecretRef
    api_secret: SecretRef
    rest_url: str | None = None
    ws_api_url: str | None = None
    stream_url: str | None = None
    sapi_url: str | None = None

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses that there are, by the name of their setting."""
        return {key: url for key in ADDRESSES if (url := getattr(self, key)) is not None}

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that may be talked to, each once, for people."""
        return tuple(dict.fromkeys(host(url) for url in self.addresses.values()))

    @property
    def is_embedded(self) -> bool:
        """Whether the simulated venue has to be started inside of this process: for the drill."""
        return self.environment == "simulated" and self.rest_url is None

    def refuse_embedded(self) -> Self:
        """This account, where there is a venue to be reached.

        Raises:
            SettingsError: it is simulated and has no address.
        """
        if not self.is_embedded:
            return self
        raise SettingsError(
            Mistake(
                key="rest_url",
                text=f"account {self.name} is simulated and has no address, which only the drill "
                "can use; start one with `goflat venue` and write its addresses here",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """The table [run]. Lengths in seconds."""

    on_exit: OnExit = "always"
    keep_env: bool = False
    kill_grace_seconds: float = 4.0
    recv_window_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that one configuration says.

    `scope` is what run, guard and armed flatten; None where nothing was said. `quiet_seconds` is
    cut to a quarter of the deadline. `audit_path` is absolute; None: no audit trail. `guarding` is
    None where one of its tables has a fault. `faults` are mistakes in tables that an emergency does
    not need, and `notes` are things to know.
    """

    path: Path
    accounts: Mapping[str, AccountSettings]
    liquidation: LiquidationConfig
    quiet_seconds: float
    scope: Scope | None = None
    audit_path: Path | None = None
    run: RunSettings = RunSettings()
    guarding: Guarding | None = None
    faults: tuple[Mistake, ...] = ()
    notes: tuple[Mistake, ...] = ()

    @property
    def warnings(self) -> tuple[Mistake, ...]:
        """All that was wrong and did not stop the reading."""
        return (*self.faults, *self.notes)

    def account(self, name: str | None = None) -> AccountSettings:
        """The account of that name; without a name, the only one there is.

        Raises:
            SettingsError: there is none of that name, or several and none was named.
        """
        known = ", ".join(self.accounts)
        if name is None and len(self.accounts) == 1:
            return next(iter(self.accounts.values()))
        if name is None:
            raise SettingsError(
                Mistake(file=str(self.path), text=f"has several accounts; name one of {known}")
            )
        if name not in self.accounts:
            hint = did_you_mean(name, self.accounts)
            raise SettingsError(
                Mistake(
                    file=str(self.path), text=f"has no account of that name, only {known}{hint}"
                )
            )
        return self.accounts[name]

    def needed_scope(self) -> Scope:
        """The scope, for what acts without being asked: run, guard and armed.

        Raises:
            SettingsError: nothing was said. That never means everything.
        """
        if self.scope is not None:
            return self.scope
        raise SettingsError(
            Mistake(
                file=str(self.path),
                key="[liquidation] scope",
                text='has to be said here: "account", or a list of symbols; there is no default',
            )
        )

    def without_faults(self) -> Self:
        """These settings, for what has the time to be careful.

        Raises:
            SettingsError: a table that an emergency does not need has a fault.
        """
        if self.faults:
            raise SettingsError(*self.faults)
        return self
