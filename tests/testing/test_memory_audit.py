from goflat.ports.journal import Audit
from goflat.testing.audit import Logged, MemoryAudit


async def test_it_keeps_the_port_and_shows_what_was_logged() -> None:
    memory = MemoryAudit()
    audit: Audit = memory
    assert audit.last_hash is None

    audit.log_event("LIQUIDATION_START", "liq_1", {"scope": ["BTCUSDT"]})
    assert await audit.flush()
    audit.log_event("READING", "liq_1", {})

    assert memory.types() == ["LIQUIDATION_START", "READING"]
    assert memory.of("READING") == [Logged("READING", "liq_1", {})]
    assert memory.logged_at_flush == [1]
    assert memory.flushes == 1
    assert memory.last_hash is not None


def test_it_keeps_what_was_true_then() -> None:
    memory, data = MemoryAudit(), {"left": ["BTCUSDT"]}

    memory.log_event("READING", "liq_1", data)
    before = memory.last_hash
    data["left"].clear()

    assert memory.events[0].data == {"left": ["BTCUSDT"]}
    assert memory.last_hash == before


async def test_it_can_be_told_to_be_degraded() -> None:
    memory = MemoryAudit(degraded=("disk full",), durable=False)

    assert memory.degraded == ("disk full",)
    assert not await memory.flush()
