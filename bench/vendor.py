"""A vendor on loopback in its own process: 500 symbols × 1,260 sessions in FMP's shape, from memory.

Prints its port, then serves until its standard input closes.
"""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

LAST_SESSION = date(2024, 12, 31)


def sessions(count: int) -> list[date]:
    """The last `count` weekdays, newest first."""
    days, day = [], LAST_SESSION
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day -= timedelta(days=1)
    return days


def body(symbol: str, days: list[date], seed: int) -> bytes:
    """One symbol's bars as pretty-printed JSON, newest first, ten fields each."""
    rng = random.Random(seed)
    rows = []
    close = rng.uniform(20, 400)
    for day in days:
        close = round(close * rng.uniform(0.97, 1.03), 2)
        opening = round(close * rng.uniform(0.99, 1.01), 2)
        high, low = round(max(opening, close) * 1.01, 2), round(min(opening, close) * 0.99, 2)
        change = round(close - opening, 2)
        rows.append(
            f'  {{\n    "symbol": "{symbol}",\n    "date": "{day}",\n    "open": {opening},\n    "high": {high},\n'
            f'    "low": {low},\n    "close": {close},\n    "volume": {rng.randint(10_000, 200_000_000)},\n'
            f'    "change": {change},\n    "changePercent": {round(100 * change / opening, 5)},\n'
            f'    "vwap": {round((opening + high + low + close) / 4, 4)}\n  }}'
        )
    return ("[\n" + ",\n".join(rows) + "\n]").encode()


async def serve(bodies: dict[str, bytes]) -> None:
    """Answer `?symbol=` with that symbol's body over kept-alive connections."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            query = parse_qs(urlsplit(head.split(b" ", 2)[1].decode()).query)
            answer = bodies.get(query.get("symbol", [""])[0], b"[]")
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                + f"Content-Length: {len(answer)}\r\n\r\n".encode()
                + answer
            )
            await writer.drain()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await connection(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Arguments: symbols, sessions."""
    symbols, count = int(sys.argv[1]), int(sys.argv[2])
    days = sessions(count)
    asyncio.run(serve({f"S{n:03}": body(f"S{n:03}", days, n) for n in range(symbols)}))


if __name__ == "__main__":
    main()
