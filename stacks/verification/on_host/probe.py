"""The probe itself: a question a line on standard input, an answer a line on standard output, both JSON.

It ends with its input, or by itself after LIFETIME.
"""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from typing import Any

from stacks.verification.on_host import connections, facts, services

LIFETIME = 900
"""Seconds after which the probe ends whatever happens, so that no listener of its is left behind."""

ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "facts": facts.facts,
    "database": lambda _: services.database(),
    "cache": lambda _: services.cache(),
    "vault": services.vault,
    "guardrail": lambda _: services.guardrail(),
}


async def answer(question: dict[str, Any]) -> dict[str, Any]:
    """What a question asks to do."""
    match question["do"]:
        case "listen":
            return await connections.listen(question)
        case "connect":
            return await connections.connect(question)
    return await asyncio.to_thread(ANSWERS[question["do"]], question)


async def main() -> None:
    """Answer until the input ends."""
    signal.alarm(LIFETIME)
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        reply = json.dumps(await answer(json.loads(line)))
        sys.stdout.write(re.sub(r"(?i)password=\S+", "password=[secret]", reply) + "\n")
        sys.stdout.flush()
    os._exit(0)
