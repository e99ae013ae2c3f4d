"""A configuration that asks for a trail and names no file that could be one."""

from pathlib import Path

import pytest

from goflat import LiquidationState
from goflat.compose import manager_over, open_audit
from goflat.settings import load_settings
from goflat.testing.paper import PaperVenue

CONFIGURATION = """
[venue]
name = "binance-usdm"
environment = "simulated"
api_key = "env:KEY"
api_secret = "env:SECRET"
rest_url = "http://127.0.0.1:1"
"""


@pytest.mark.parametrize(
    ("table", "degraded"),
    [
        ("[audit]\npath = 3\n", True),
        ('[audit]\npath = ""\n', True),
        ('[audit]\npath = "/"\n', True),
        ('[audit]\npth = "audit.jsonl"\n', True),
        ("", False),
    ],
)
async def test_a_trail_that_cannot_be_used_is_said_and_one_that_nobody_wanted_is_not(
    tmp_path: Path, table: str, *, degraded: bool
) -> None:
    file = tmp_path / "goflat.toml"
    file.write_text(CONFIGURATION + table)
    settings = load_settings(str(file))
    venue = PaperVenue(latency=0.001)
    manager = manager_over(venue, settings, open_audit(settings), quiet_seconds=0.0)
    result = await manager.execute_liquidation()
    assert result.state is LiquidationState.COMPLETED
    assert result.audit_degraded is degraded
    assert result.audit_hash is None
