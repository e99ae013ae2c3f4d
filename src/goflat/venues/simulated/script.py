"""The fault script as a TOML file: which requests and events go wrong, and what happens when.

[knobs]                             # where the real venue is undocumented
claimed_position = "-4118"

[[fault]]                           # what goes wrong with a request
method = "POST"
path = "/fapi/v1/order"
count = 1
fault = "unknown-outcome"
outcome = "executed"

[[event]]                           # what goes wrong with the user data stream
event = "ORDER_TRADE_UPDATE"
ripple = "doubled"

[[happening]]                       # what the world does meanwhile
at_seconds = 2.0
happening = "mark-moves"
symbol = "BTCUSDT"
price = "58000"
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from goflat.errors import Mistake, SettingsError
from goflat.venues.simulated.exchange import Exchange, Happening
from goflat.venues.simulated.faults import Match, Rule, Then
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.script_words import FAULTS, HAPPENINGS, RIPPLES
from goflat.venues.simulated.streams import EventMatch, StreamRule
from goflat.venues.simulated.tables import Document, Table, parse

LARGEST_BYTES = 1024 * 1024
TABLES = ("knobs", "fault", "event", "happening")
MATCH_KEYS = tuple(field.name for field in fields(Match))
EVENT_KEYS = tuple(field.name for field in fields(EventMatch))
CUE_KEYS = ("at_seconds", "on", "wait_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Something that happens so many seconds after the start."""

    at_seconds: float
    happening: Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How long after the request it happens."""

    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """How long after the start it happens."""

    at_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Everything that a file says is going to go wrong."""

    knobs: Knobs = field(default_factory=Knobs)
    rules: tuple[Rule, ...] = ()
    events: tuple[StreamRule, ...] = ()
    cues: tuple[Cue, ...] = ()

    def stage(self, exchange: Exchange) -> None:
        """Let it all go wrong on this venue. The knobs are for whoever builds it."""
        exchange.faults.rules.extend(self.rules)
        exchange.streams.rules.extend(self.events)
        for cue in self.cues:
            exchange.at(cue.at_seconds, cue.happening)


def load(path: Path) -> Script:
    """Read a fault script. Raises `SettingsError` that names the file, the line and the key."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(Mistake(file=str(path), text=f"cannot be read: {reason}")) from None
    except UnicodeDecodeError:
        raise SettingsError(Mistake(file=str(path), text="is no UTF-8 text")) from None
    if len(content) > LARGEST_BYTES:
        raise SettingsError(Mistake(file=str(path), text=f"is above {LARGEST_BYTES} bytes"))
    return read(text, file=str(path))


def read(text: str, *, file: str = "<script>") -> Script:
    """Read the text of a fault script. Raises `SettingsError`."""
    document = parse(text, file, tables=TABLES)
    cued = [_happening(table) for table in document.several("happening")]
    return Script(
        knobs=document.one("knobs").build(Knobs),
        rules=(*_rules(document), *(made for made in cued if isinstance(made, Rule))),
        events=tuple(_events(document)),
        cues=tuple(made for made in cued if isinstance(made, Cue)),
    )


def _rules(document: Document) -> Iterator[Rule]:
    for table in document.several("fault"):
        match, effect = table.split(MATCH_KEYS)
        word, make = effect.word("fault", FAULTS)
        made = effect.without("fault").build(make, beside=MATCH_KEYS)
        yield Rule(match.build(Match), made, word)


def _events(document: Document) -> Iterator[StreamRule]:
    for table in document.several("event"):
        match, ripple = table.split(EVENT_KEYS)
        _, make = ripple.word("ripple", RIPPLES)
        made = ripple.without("ripple").build(make, beside=EVENT_KEYS)
        yield StreamRule(match.build(EventMatch), made)


def _happening(table: Table) -> Cue | Rule:
    when, what = table.split(CUE_KEYS)
    word, make = what.word("happening", HAPPENINGS)
    happening = what.without("happening").build(make, beside=CUE_KEYS)
    if ("at_seconds" in when.values) is ("on" in when.values):
        raise table.wrong(None, "has either `at_seconds` or `on`")
    if "at_seconds" in when.values:
        return Cue(at_seconds=when.build(At).at_seconds, happening=happening)
    delay = when.without("on").build(Wait).wait_seconds
    return Rule(when.inner("on").build(Match), Then(happening=happening, delay_seconds=delay), word)
