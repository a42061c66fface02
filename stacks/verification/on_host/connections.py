"""Listening on ports, and trying connections: what a packet does, not what a rule says."""

import asyncio
from contextlib import suppress
from typing import Any

BANNER = b"tenantry-probe\n"


class Datagrams(asyncio.DatagramProtocol):
    """Answers every datagram with the banner."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        del data
        self.transport.sendto(BANNER, address)


class Answer(asyncio.DatagramProtocol):
    """Keeps the first datagram that comes, or the error."""

    def __init__(self) -> None:
        self.came: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, address: Any) -> None:
        del address
        if not self.came.done():
            self.came.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.came.done():
            self.came.set_exception(exc)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say the banner to whoever connects."""
    del reader
    with suppress(OSError):
        writer.write(BANNER)
        await writer.drain()
    writer.close()


async def listen(question: dict[str, Any]) -> dict[str, Any]:
    """Listen on every port that is free at each address; one that isn't has a real listener already."""
    bound, taken = [], []
    loop = asyncio.get_running_loop()
    for address in question["addresses"]:
        for protocol, port in question["ports"]:
            try:
                if protocol == "tcp":
                    await asyncio.start_server(greet, address, port)
                else:
                    await loop.create_datagram_endpoint(Datagrams, local_addr=(address, port))
                bound.append([protocol, address, port])
            except OSError:
                taken.append([protocol, address, port])
    return {"bound": bound, "taken": taken}


async def over_tcp(address: str, port: int) -> str:
    """`answered` when bytes came, `open` when a connection was made."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        came = await asyncio.wait_for(reader.read(len(BANNER)), 1)
    except (TimeoutError, OSError):
        came = b""
    finally:
        writer.close()
    return "answered" if came else "open"


async def over_udp(address: str, port: int) -> str:
    """`answered` when a datagram came back."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Answer, remote_addr=(address, port))
    try:
        transport.sendto(BANNER)
        await protocol.came
    finally:
        transport.close()
    return "answered"


async def attempt(target: list[Any]) -> str:
    """How one connection ended: answered, open, refused, silent, or unreachable."""
    protocol, address, port, seconds = target
    try:
        async with asyncio.timeout(seconds):
            return await (over_tcp if protocol == "tcp" else over_udp)(address, port)
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "unreachable"


async def connect(question: dict[str, Any]) -> dict[str, Any]:
    """All attempts at once."""
    return {"results": await asyncio.gather(*(attempt(target) for target in question["targets"]))}
