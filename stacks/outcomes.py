"""How an update or a preview ended, collected from what the engine said meanwhile."""

from dataclasses import dataclass, field, replace

from stacks.events import Event, Message, Remediated, Summary, Violation
from stacks.policy_pack import NAME as PACK
from stacks.steps import SAME, Outputs, Step

LOCKED = "the stack is currently locked by"
MASKED = "[secret]"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an update ended. `output` is what the engine said outside its events."""

    code: int
    output: str = ""
    errors: tuple[Message, ...] = ()
    summary: Summary | None = None
    violations: tuple[Violation, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.code == 0

    @property
    def changes(self) -> int:
        """Resources that were created, updated, replaced or deleted."""
        counted = self.summary.changes if self.summary else {}
        return sum(count for operation, count in counted.items() if operation != "same")

    @property
    def needs_recovery(self) -> bool:
        """Whether a lock or a torn file (stacks.recovery.sidecars) stood in the way."""
        return LOCKED in self.output or self.output.endswith("EOF")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an update would do, and which rules it would break. `outputs` are the stack's, if it has any."""

    outcome: Outcome
    steps: tuple[Step, ...] = ()
    remediated: tuple[Remediated, ...] = ()
    outputs: Outputs | None = None

    @property
    def violations(self) -> tuple[Violation, ...]:
        return self.outcome.violations

    @property
    def was_judged(self) -> bool:
        """Whether the zero-trust rules were run at all."""
        return self.outcome.summary is not None and PACK in self.outcome.summary.packs

    @property
    def passed(self) -> bool:
        """Whether the engine succeeded, and every rule was run and is kept."""
        broken = any(violation.is_mandatory for violation in self.violations)
        return self.outcome.succeeded and self.was_judged and not broken

    @property
    def changes_nothing(self) -> bool:
        """Whether an update would leave every resource, and what the stack exports, as it is.

        What an output may become can't be told where it is a secret.
        """
        if any(step.operation not in SAME for step in self.steps):
            return False
        if self.outputs is None:
            return True
        return self.outputs.old == self.outputs.new and MASKED not in repr(self.outputs.new.values())

    @property
    def refusal(self) -> Outcome:
        """Why an update doesn't follow."""
        if self.outcome.succeeded and not self.was_judged:
            text = "the zero-trust rules were not run, so nothing was changed: see docs/policies.md"
            said = (Message(severity="error", text=text),)
            return Outcome(code=1, output=self.outcome.output, errors=said)
        return replace(self.outcome, code=self.outcome.code or 1)


@dataclass
class Collected:
    """What was heard so far."""

    errors: list[Message] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    remediated: list[Remediated] = field(default_factory=list)
    summary: Summary | None = None
    unparsed: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        match event:
            case Summary():
                self.summary = event
            case Violation():
                self.violations.append(event)
            case Remediated():
                self.remediated.append(event)
            case Message(severity="error"):
                self.errors.append(event)
            case Message():
                self.notes.append(event)

    def outcome(self, code: int, output: str) -> Outcome:
        """The outcome; a failure that nobody explained is told by the last notes."""
        silent = code and not output and not self.violations
        return Outcome(
            code=code,
            output=output,
            errors=tuple(self.errors or (self.notes[-5:] if silent else ())),
            summary=self.summary,
            violations=tuple(self.violations),
        )
