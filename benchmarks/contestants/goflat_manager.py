"""goflat, from nothing: manager, venue and audit trail are built when the clock runs already."""

from pathlib import Path

from benchmarks.lines import Claim, Scene
from goflat import AuditLogger, LiquidationConfig, LiquidationManager
from goflat.domain.outcome import LiquidationState
from goflat.domain.secret import Secret
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.venue import BinanceVenue
from goflat.venues.simulated.exchange import TEST_API_KEY, TEST_API_SECRET

TIMEOUT_SECONDS = 30.0


class Goflat:
    """`LiquidationManager` over `BinanceVenue`, with an audit trail on the disk."""

    async def prepare(self, scene: Scene) -> None:
        self._scene = scene
        self._manager: LiquidationManager | None = None

    async def run(self) -> Claim:
        credentials = Credentials(api_key=Secret(TEST_API_KEY), api_secret=Secret(TEST_API_SECRET))
        venue = BinanceVenue(rest_url=self._scene.rest_url, credentials=credentials)
        config = LiquidationConfig(timeout_seconds=TIMEOUT_SECONDS)
        self._manager = LiquidationManager(venue, config, self._audit())
        result = await self._manager.execute_liquidation()
        is_completed = result.state is LiquidationState.COMPLETED
        return Claim(
            says_flat=is_completed,
            proves=is_completed and result.verified,
            words=": ".join(filter(None, (result.state.value, result.error_message))),
        )

    async def close(self) -> None:
        if self._manager is not None:
            await self._manager.aclose()

    def _audit(self) -> AuditLogger | None:
        return AuditLogger(Path(self._scene.scratch) / "audit.jsonl")


class GoflatUnaudited(Goflat):
    """The same without its audit trail."""

    def _audit(self) -> AuditLogger | None:
        return None
