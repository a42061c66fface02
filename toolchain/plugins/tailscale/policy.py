"""The policy file: who in the tailnet may reach whom."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from toolchain.plugins.base.calls import ApiError
from toolchain.plugins.base.errors import ProviderError
from toolchain.plugins.base.resource import Reading
from toolchain.plugins.base.values import Properties
from toolchain.plugins.tailscale.api import details
from toolchain.plugins.tailscale.kinds import Setting

NEVER_CHANGED = "ts-default"
"""The ETag of a policy file that nobody has changed yet."""
STRING = r'"(?:\\.|[^"\\])*"'
COMMENT = r"//[^\n]*|/\*.*?\*/"
PIECE = re.compile(
    rf"(?P<string>{STRING})|(?P<comment>{COMMENT})|(?P<trailing>,(?=(?:\s|{COMMENT})*[}}\]]))", re.DOTALL
)
TOKEN = re.compile(rf'{STRING}|{COMMENT}|[^\s"/{{}}\[\],:]+|\S', re.DOTALL)


class Acl(Setting):
    """Overwrites a policy file that it doesn't know only if the program says so."""

    token = "tailscale:index/acl:Acl"
    defaults = {"overwriteExistingContent": False, "resetAclOnDestroy": False}

    def verify(self, inputs: Mapping[str, Any], olds: Mapping[str, Any]) -> Mapping[str, str]:
        """Asks the API too, as the official provider does: also the policy's own tests run then."""
        text = inputs.get("acl")
        if not isinstance(text, str):
            return {}
        try:
            parsed(text)
        except ProviderError as error:
            return {"acl": str(error)}
        if not self.api.is_configured:
            return {}
        try:
            said = self.api.validate_policy(text)
        except ApiError as error:
            if error.status != HTTPStatus.BAD_REQUEST:
                raise
            return {"acl": str(error)}
        return {"acl": f"{said['message']}{details(said)}"} if said.get("message") else {}

    def same(self, name: str, old: Any, new: Any) -> bool:
        return name == "acl" and tokens(str(old or "")) == tokens(str(new or ""))

    def create(self, inputs: Properties) -> Reading:
        try:
            return super().create(inputs)
        except ApiError as error:
            if error.status != HTTPStatus.PRECONDITION_FAILED:
                raise
            raise ProviderError(
                "you are trying to overwrite a policy file that isn't the default: import it first "
                "(`pulumi import tailscale:index/acl:Acl <name> acl`), or set overwriteExistingContent"
            ) from None

    def write(self, inputs: Mapping[str, Any]) -> None:
        careful = not inputs.get("overwriteExistingContent")
        self.api.set_policy(inputs["acl"], only_if=NEVER_CHANGED if careful else None)

    def update(self, id: str, state: Properties, inputs: Properties) -> Properties:
        self.api.set_policy(inputs["acl"])
        return {}

    def current(self) -> Properties:
        return {"acl": self.api.policy()}

    def reset(self, state: Properties) -> None:
        if state.get("resetAclOnDestroy"):
            self.api.set_policy("")  # which the API takes for the default


def parsed(text: str) -> Any:
    """What a policy file says. Raises ProviderError unless it is JSON with comments and trailing commas."""
    try:
        return json.loads(_blanked(text, "comment", "trailing"))
    except ValueError as error:
        raise ProviderError(f"the policy is not valid HuJSON: {error}") from None


def tokens(text: str) -> list[str]:
    """The policy without its layout: what is left differs only where its formatted text would.

    So comments count, and trailing commas don't.
    """
    return [token.rstrip() for token in TOKEN.findall(_blanked(text, "trailing"))]


def _blanked(text: str, *kinds: str) -> str:
    """The text with blanks in place of these pieces, so that what is left stays where it is."""

    def blank(piece: re.Match[str]) -> str:
        return re.sub(r"\S", " ", piece[0]) if piece.lastgroup in kinds else piece[0]

    return PIECE.sub(blank, text)
