"""What a setting is, and what a table of settings is. The tables themselves are in `schema`."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a value is, in the words in which a mistake is explained."""

    SWITCH = "true or false"
    SECONDS = "a number of seconds"
    COUNT = "a whole number"
    CHOICE = "one of these words"
    NAME = "a short name of letters, digits, dots, dashes and underscores"
    URL = "an address"
    SECRET = '"env:NAME", "file:PATH", "keyring:service/name" or "credential:NAME"'  # noqa: S105
    PATH = "the path of a file"
    SCOPE = '"account", or a list of symbols like ["BTCUSDT", "ETHUSDT"]'
    PERCENT = "a number of percent"
    AMOUNT = "an amount above zero, as text of digits"
    CRON = "five fields of a crontab line: minute hour day month weekday"
    ZONE = "the name of a time zone"
    CALLABLE = "module:function"
    UNIT = "the name of a systemd unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key: what its value is, between which bounds, and what holds when it is left out.

    `least` and `most` bound numbers, ends included. `schemes` are those of an address. `default`
    None with `required` false means that leaving it out says something, which `doc` explains.
    `sample` is what a template shows where there is no default, commented out unless the setting
    is required or `suggested`.
    """

    key: str
    kind: Kind
    doc: str
    default: bool | float | str | None = None
    required: bool = False
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    sample: str | None = None
    suggested: bool = False

    @property
    def expected(self) -> str:
        """What the value has to be, as a phrase: "a number of seconds from 1 to 30"."""
        if self.kind is Kind.CHOICE:
            return " or ".join(f'"{choice}"' for choice in self.choices)
        if self.kind is Kind.URL:
            return f"{self.kind.value} like {self.schemes[0]}://host"
        if self.least is not None and self.most is not None:
            return f"{self.kind.value} from {self.least:g} to {self.most:g}"
        return str(self.kind.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the file. `emergency`: a fault in it is refused by every command.

    A fault in any other table is only a warning to a command that flattens. `repeats`: written
    as `[[name]]`, once for each.
    """

    name: str
    doc: str
    settings: tuple[Setting, ...]
    emergency: bool = False
    repeats: bool = False

    @property
    def header(self) -> str:
        return f"[[{self.name}]]" if self.repeats else f"[{self.name}]"

    def setting(self, key: str) -> Setting | None:
        return next((setting for setting in self.settings if setting.key == key), None)
