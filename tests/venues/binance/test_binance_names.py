import asyncio
import socket
import threading
import time
from typing import Any

import pytest

from goflat.venues.binance.names import Names

ROW = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))


class Service:
    """A name service that answers, refuses, or keeps silent until it is released."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.asked = 0
        self.released = threading.Event()

    def look_up(self, *_: object, **__: object) -> list[tuple[Any, ...]]:
        self.asked += 1
        answer = self.answers.pop(0)
        if answer == "silence":
            self.released.wait(5)
            return [ROW]
        if isinstance(answer, BaseException):
            raise answer
        return list(answer)


@pytest.fixture
def service() -> Any:
    made = Service()
    yield made
    made.released.set()


async def test_a_name_is_looked_up(service: Service) -> None:
    service.answers = [[ROW]]

    (found,) = await Names(service.look_up).resolve("venue.example", 443)

    assert (found["host"], found["port"], found["hostname"]) == ("192.0.2.7", 443, "venue.example")


@pytest.mark.parametrize("answer", [socket.gaierror(-2, "unknown"), UnicodeError("bad"), []])
async def test_a_name_that_is_not_known_anywhere_is_an_error(
    service: Service, answer: object
) -> None:
    service.answers = [answer]

    with pytest.raises(OSError):
        await Names(service.look_up).resolve("venue.example", 443)


@pytest.mark.parametrize("failure", [socket.gaierror(-3, "try again"), "silence"])
async def test_what_a_name_meant_last_time_is_used_when_the_name_service_fails(
    service: Service, failure: object
) -> None:
    service.answers = [[ROW], failure]
    resolver = Names(service.look_up, remembered_after_seconds=0.01)
    before = await resolver.resolve("venue.example", 443)

    assert await resolver.resolve("venue.example", 443) == before
    assert service.asked == 2


async def test_a_name_is_asked_for_once_at_a_time(service: Service) -> None:
    service.answers = ["silence"]
    resolver = Names(service.look_up)
    asking = [asyncio.create_task(resolver.resolve("venue.example", 443)) for _ in range(5)]
    await asyncio.sleep(0)
    service.released.set()

    assert len({answer[0]["host"] for answer in await asyncio.gather(*asking)}) == 1
    assert service.asked == 1


def test_a_name_service_that_keeps_silent_holds_no_loop_when_it_ends(service: Service) -> None:
    service.answers = ["silence"]

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Names(service.look_up).resolve("venue.example", 443), 0.01)

    started = time.monotonic()
    asyncio.run(give_up())
    assert time.monotonic() - started < 1
