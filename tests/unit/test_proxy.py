"""The proxy that the tests put between two parts does what it says, and nothing else."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.harness import eventually
from tests.support.proxy import Proxy, postgres_behind, postgres_through

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """In front of one who answers each line with the same."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with Proxy(to=server.sockets[0].getsockname()) as proxy:
        yield proxy
    server.close()


async def line_to(proxy: Proxy) -> Line:
    return await asyncio.open_connection(proxy.host, proxy.port)


async def said(line: Line, word: bytes) -> bytes:
    """The answer to a word; empty where the line is cut."""
    reader, writer = line
    writer.write(word + b"\n")
    try:
        return (await reader.readline()).rstrip()
    except ConnectionError:
        return b""


async def test_what_is_said_arrives_as_it_is(proxy: Proxy) -> None:
    line = await line_to(proxy)
    assert await said(line, b"one") == b"one"
    assert await said(line, b"x" * 60_000) == b"x" * 60_000
    assert proxy.up.passed == proxy.down.passed == 60_005


async def test_a_delay_is_added_each_way(proxy: Proxy) -> None:
    line = await line_to(proxy)
    proxy.up.delay = proxy.down.delay = 0.03
    began = asyncio.get_running_loop().time()
    assert await said(line, b"late") == b"late"
    assert asyncio.get_running_loop().time() - began >= 0.05


async def test_a_lost_answer_takes_the_line_with_it_though_the_question_arrived(proxy: Proxy) -> None:
    line = await line_to(proxy)
    proxy.cut_after(0)
    assert await said(line, b"question") == b""
    assert proxy.up.passed == len(b"question\n")
    assert await said(await line_to(proxy), b"again") == b"again"


async def test_a_line_can_be_cut_in_the_middle_of_what_is_said(proxy: Proxy) -> None:
    line = await line_to(proxy)
    proxy.down.cut_in(3)
    assert await said(line, b"abcdef") in (b"abc", b"")
    assert proxy.down.passed == 3


async def test_one_byte_is_turned_once(proxy: Proxy) -> None:
    line = await line_to(proxy)
    proxy.up.flip_in(1)
    assert await said(line, b"abc") == bytes([ord("a"), ord("b") ^ 0xFF, ord("c")])
    assert await said(line, b"abc") == b"abc"


async def test_what_is_held_arrives_when_it_is_released(proxy: Proxy) -> None:
    line = await line_to(proxy)
    proxy.down.hold()
    asked = asyncio.create_task(said(line, b"patience"))
    await eventually(lambda: proxy.up.passed == len(b"patience\n"))
    assert proxy.down.passed == 0
    proxy.heal()
    assert await asked == b"patience"


async def test_half_of_what_is_said_may_arrive_and_the_rest_later(proxy: Proxy) -> None:
    line = await line_to(proxy)
    proxy.up.hold_in(3)
    asked = asyncio.create_task(said(line, b"halves"))
    await eventually(lambda: proxy.up.passed == 3)
    assert not asked.done()
    proxy.heal()
    assert await asked == b"halves"


async def test_who_is_refused_is_cut_at_once_and_taken_again_afterwards(proxy: Proxy) -> None:
    line = await line_to(proxy)
    assert await said(line, b"here") == b"here"
    proxy.refuse()
    assert await said(line, b"still?") == b""
    assert await said(await line_to(proxy), b"anybody?") == b""
    proxy.heal()
    assert await said(await line_to(proxy), b"back") == b"back"


async def test_an_end_is_told_to_the_other_end(proxy: Proxy) -> None:
    reader, writer = await line_to(proxy)
    writer.close()
    assert await reader.read() == b""


async def test_the_address_of_a_database_leads_through_the_proxy(proxy: Proxy) -> None:
    here = "postgresql://postgres@/log?host=%2Ftmp%2Fsockets"
    assert postgres_behind(here) == "/tmp/sockets/.s.PGSQL.5432"
    assert postgres_through(here, proxy) == f"postgresql://postgres@{proxy.address}/log"
    there = "postgresql://me:secret@db.example:6543/log"
    assert postgres_behind(there) == ("db.example", 6543)
    assert postgres_through(there, proxy) == f"postgresql://me:secret@{proxy.address}/log"
