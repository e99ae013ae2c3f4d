"""goflat.toml and the environment, read once into frozen values.

Settings are data: `schema` declares every key, and everything else here is read from it.
"""

from goflat.settings.load import load_settings
from goflat.settings.run_table import OnExit
from goflat.settings.schema import EnvironmentName
from goflat.settings.secret_ref import SecretPlace, SecretRef
from goflat.settings.values import AccountSettings, RunSettings, Settings

__all__ = [
    "AccountSettings",
    "EnvironmentName",
    "OnExit",
    "RunSettings",
    "SecretPlace",
    "SecretRef",
    "Settings",
    "load_settings",
]
