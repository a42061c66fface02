"""`python -m stacks.recover [stack…]`: bring stacks back after a crash. See docs/recovery.md.

Afterwards one `up` gives what an undisturbed one would have given: no lock, no orphan, no second copy. Every
change is said before it is made; with `--dry-run` it is only said.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from components.tailnet import Tailnet
from stacks import operations
from stacks.checkpoint import Checkpoint
from stacks.engine import Engine
from stacks.errors import RecoveryError
from stacks.events import name_of
from stacks.inventory import Inventory, Thing
from stacks.operations import Progress
from stacks.project import Project
from stacks.recovery import mesh, sidecars, strays
from stacks.recovery.adoption import import_things, wanted_by
from stacks.recovery.locks import Lock, backend_folder, locks_of, why_dead
from stacks.recovery.plan import (
    NEVER_IMPORTED,
    Adopt,
    Delete,
    Forget,
    Import,
    Leave,
    Plan,
    Wanted,
    perform,
    plan,
)
from stacks.resource_types import DATABASE_CLUSTER

SETTLE_DEADLINE = 30.0
"""Seconds for requests of a killed engine to stop changing the account."""

Say = Callable[[str], None]


class Recovery:
    """The recovery of one tenant's stack."""

    def __init__(
        self,
        tenant: str,
        project: Project,
        engine: Engine,
        account: tuple[Inventory, Tailnet],
        *,
        say: Say,
        dry_run: bool,
    ) -> None:
        self._tenant = tenant
        self._project = project
        self._engine = engine
        self._inventory, self._tailnet = account
        self._say = say
        self._dry_run = dry_run

    async def run(self) -> bool:
        """Do all of it; returns whether there was anything to do. Raises StacksError."""
        crashed = self._mend_backend()
        if self._dry_run and self._torn():
            self._say("look at the state then, which can't be read before")
            return True
        exported = await self._engine.export(self._tenant)
        checkpoint = Checkpoint(exported or {})
        if crashed or next(checkpoint.pending(), None):
            self._settle()
        settled = await self._settle_operations(checkpoint, refresh=crashed and not checkpoint.is_empty)
        cleaned = await self._clean(existed=exported is not None)
        swept = self._sweep_tailnet(Checkpoint(await self._engine.export(self._tenant) or {}))
        return crashed or settled or cleaned or swept

    def _mend_backend(self) -> bool:
        """Take away dead locks and torn files. Raises RecoveryError while an owner may be alive."""
        folder = backend_folder(os.environ)
        if folder is None:
            self._say("the backend keeps its own locks: if it reports one, run `pulumi cancel`")
            return False
        locks = list(locks_of(folder, self._project.name, self._tenant))
        proofs = [(lock, _proof(lock)) for lock in locks]
        for lock, proof in proofs:
            self._say(f"remove the {lock}: {proof}")
            if not self._dry_run:
                lock.path.unlink(missing_ok=True)
        torn = self._torn()
        for path in torn:
            self._say(f"remove {path.name}, half-written: the state is read without it")
            if not self._dry_run:
                path.unlink(missing_ok=True)
        return bool(locks or torn)

    def _torn(self) -> list[Path]:
        folder = backend_folder(os.environ)
        return list(sidecars.torn(folder, self._project.name, self._tenant)) if folder else []

    def _things(self) -> list[Thing]:
        things = self._inventory.of(self._tenant)
        clusters = [thing.id for thing in things if thing.kind == DATABASE_CLUSTER]
        return things + [inner for cluster in clusters for inner in self._inventory.inside(cluster)]

    def _settle(self) -> None:
        """What was asked of the account before the crash may still appear: wait until two looks agree."""
        deadline = time.monotonic() + SETTLE_DEADLINE
        seen = {thing.identity for thing in self._inventory.of(self._tenant)}
        while time.monotonic() < deadline:
            time.sleep(1)
            now = {thing.identity for thing in self._inventory.of(self._tenant)}
            if now == seen:
                return
            seen = now
        msg = f"what {self._tenant!r} has keeps changing: stop what works on it, then try again"
        raise RecoveryError(msg)

    async def _settle_operations(self, checkpoint: Checkpoint, *, refresh: bool) -> bool:
        """Complete or forget what was begun, then let the engine look at everything it knows."""
        found = plan(checkpoint, self._things())
        begun = [step for step in found.steps if isinstance(step, Adopt | Forget)]
        for step in begun:
            self._say(str(step))
        for pending in found.unsettled:
            self._say(f"look what became of {name_of(pending.urn)}, interrupted while {pending.operation}")
        if not (begun or found.unsettled or refresh):
            return False
        if not self._dry_run:
            if found.edits_state:
                edited = checkpoint.resolved(self._usable(found))
                await self._engine.replace_checkpoint(self._tenant, edited.exported)
            await self._refresh()
        return True

    def _usable(self, found: Plan) -> dict[str, str]:
        """The adopted that work; a creation that went wrong is an orphan, and is deleted as one."""
        usable = {}
        for step in found.steps:
            if not isinstance(step, Adopt):
                continue
            if step.thing.cluster or self._inventory.wait_until_ready(step.thing):
                usable[step.pending.urn] = step.thing.id
            else:
                self._say(f"{step.thing} never became usable: it is not adopted")
        return usable

    async def _refresh(self) -> None:
        outcome = await self._engine.update("refresh", self._tenant)
        if not outcome.succeeded:
            result = operations.Result(tenant=self._tenant, outcome=outcome, seconds=0)
            said = operations.explain(result)
            msg = f"the state of {self._tenant!r} can't be compared with the account: {said}"
            raise RecoveryError(msg)

    async def _clean(self, *, existed: bool) -> bool:
        """Adopt or delete what the account has and the state doesn't."""
        checkpoint = Checkpoint(await self._engine.export(self._tenant) or {})
        things = self._things()
        orphans = [thing for thing in things if thing.identity not in checkpoint.identities]
        wanted: Wanted = {}
        if any(thing.kind not in NEVER_IMPORTED for thing in orphans if not thing.cluster):
            if not existed and not self._dry_run:
                await self._engine.ensure_stack(self._tenant)
            wanted = await wanted_by(self._engine, self._tenant) if existed or not self._dry_run else {}
        found = plan(checkpoint, things, wanted).steps
        for left in found:
            if isinstance(left, Leave):
                self._say(str(left))
        steps = [step for step in found if isinstance(step, Delete | Import)]
        if self._dry_run:
            for step in steps:
                self._say(str(step))
            return bool(steps)
        deletions = [step for step in steps if isinstance(step, Delete)]
        perform(deletions, self._inventory.delete, say=self._say)
        imports = [step for step in steps if isinstance(step, Import)]
        await import_things(self._engine, self._tenant, imports, say=self._say)
        return bool(steps)

    def _sweep_tailnet(self, checkpoint: Checkpoint) -> bool:
        """Take out of the tailnet what no state has."""
        found = mesh.strays(self._tenant, checkpoint, self._tailnet.devices(), self._tailnet.auth_keys())
        for device in found.devices:
            self._say(f"remove {device} from the tailnet: no host of the state's joined as it")
            if not self._dry_run:
                self._tailnet.remove_device(device.id)
        for key in found.keys:
            self._say(f"revoke {key}: no state has it")
            if not self._dry_run:
                self._tailnet.remove_key(key.id)
        return bool(found.devices or found.keys)


def _proof(lock: Lock) -> str:
    """Why a lock's owner is known to be dead. Raises RecoveryError when it isn't."""
    if proof := why_dead(lock):
        return proof
    msg = (
        f"the {lock} may belong to a living update: wait for it, or end it with Ctrl-C where it runs. "
        f"If you know that it is dead, delete {lock.path} and try again"
    )
    raise RecoveryError(msg)


def _stop_strays(say: Say, *, dry_run: bool) -> None:
    home = os.environ.get("PULUMI_HOME")
    for stray in strays.find(home) if home else ():
        say(f"end the plugin {stray.name} (process {stray.pid}): its engine is dead")
        if not dry_run:
            strays.stop(stray)


def recover(
    stacks: Annotated[list[str] | None, typer.Argument(help="Which stacks; all that have a spec.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be done.")] = False,
) -> None:
    """Bring the named stacks back after a crash."""
    project = Project.of_environment()
    engine = Engine(project)
    console = operations.errors_console()
    chosen = tuple(dict.fromkeys(stacks or project.stacks))
    progress = Progress(console, chosen)

    async def work() -> int:
        project.sync(chosen)
        account = Inventory(), Tailnet()
        _stop_strays(lambda text: progress.line("", text), dry_run=dry_run)
        for tenant in chosen:

            def say(text: str, tenant: str = tenant) -> None:
                progress.line(tenant, f"would {text}" if dry_run else text)

            busy = await Recovery(tenant, project, engine, account, say=say, dry_run=dry_run).run()
            progress.line(tenant, "recovered: run `up` once more" if busy else "nothing to recover")
        return 0

    sys.exit(operations.command(engine, work, console))


if __name__ == "__main__":
    operations.start(recover)
