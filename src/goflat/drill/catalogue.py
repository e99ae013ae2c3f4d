"""Every scenario, by name, in the order in which a drill plays them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from goflat.drill.bad_days import BAD_DAYS
from goflat.drill.scenario import Scenario
from goflat.drill.specified import ADDITIONAL, FOUR
from goflat.errors import SettingsError
from goflat.settings.spelling import did_you_mean

CATALOGUE: Mapping[str, Scenario] = MappingProxyType(
    {scenario.name: scenario for scenario in (*FOUR, *ADDITIONAL, *BAD_DAYS)}
)


def chosen(names: Sequence[str]) -> tuple[Scenario, ...]:
    """The scenarios of these names, each once; all of them where none is named.

    Raises:
        SettingsError: there is none of that name.
    """
    unknown = [name for name in names if name not in CATALOGUE]
    if unknown:
        raise SettingsError(
            *(
                f"there is no scenario {name[:40]!r}{did_you_mean(name, CATALOGUE)}"
                "; goflat drill --list names them"
                for name in unknown
            )
        )
    wanted = dict.fromkeys(names) if names else CATALOGUE
    return tuple(CATALOGUE[name] for name in wanted)
