"""Several stacks at a time, and not all of them: each is an engine, a program and the rules."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 2


async def side_by_side(jobs: Iterable[Callable[[], Awaitable[T]]], at_once: int = AT_ONCE) -> list[T]:
    """What each job gives, in their order; raises what the first to fail raises."""
    turn = asyncio.Semaphore(at_once)

    async def in_turn(job: Callable[[], Awaitable[T]]) -> T:
        async with turn:
            return await job()

    return await asyncio.gather(*map(in_turn, jobs))
