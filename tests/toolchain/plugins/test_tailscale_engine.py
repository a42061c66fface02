"""The Tailscale stand-in under the real Pulumi engine."""

import json
import threading
from pathlib import Path

import pytest
from engine_project import Engine, new_project
from tailscale_fake import FakeTailnet

pytestmark = pytest.mark.end_to_end

PROGRAM = """\
import pulumi
import pulumi_tailscale as tailscale

config = pulumi.Config()
key = tailscale.TailnetKey(
    "key",
    description=config.get("description") or "acme agent",
    ephemeral=True,
    expiry=600,
    preauthorized=True,
    recreate_if_invalid="never",
    tags=["tag:acme-agent"],
)
tailscale.Acl("policy", acl='{"acls": []}')
device = tailscale.get_device_output(hostname=key.id.apply(lambda _: "acme-agent-1"), wait_for="60s")
pulumi.export("address", device.addresses[0])
pulumi.export("key", key.key)
"""


@pytest.fixture
def engine(tmp_path: Path, tailnet: FakeTailnet) -> Engine:
    where = {"TAILSCALE_BASE_URL": tailnet.url, "TAILSCALE_API_KEY": tailnet.api_key}
    return new_project(tmp_path, PROGRAM, where)


def test_the_engine_makes_a_key_and_waits_for_the_device_that_joins_with_it(
    engine: Engine, tailnet: FakeTailnet
) -> None:
    joins = threading.Timer(3, lambda: tailnet.add_device("acme-agent-1"))
    joins.start()
    said = engine.run("up", "--yes", "--skip-preview")
    joins.join()
    assert '"100.64.0.9"' in said, "the address of the device that came while the update waited"
    (key,) = tailnet.keys.values()
    state = engine.state()["key"]
    assert state["id"] == key["id"]
    assert "tskey-auth-" not in said + json.dumps(engine.deployment()), "the key is nowhere in plaintext"
    assert set(engine.steps().values()) == {"same"}, "the same program changes nothing"
    tailnet.keys.clear()
    engine.run("refresh", "--yes", "--skip-preview")
    assert set(engine.steps().values()) == {"same"}, "a used key of this kind is left alone"
    assert "replace" in engine.steps("--config", "sample:description=another")["key"]
    engine.run("destroy", "--yes", "--skip-preview")
    assert tailnet.policy == '{"acls": []}', "a policy outlives its resource"


def test_a_policy_that_somebody_has_changed_stops_the_update(engine: Engine, tailnet: FakeTailnet) -> None:
    tailnet.policy_is_default = False
    tailnet.add_device("acme-agent-1")
    said = engine.run("up", "--yes", "--skip-preview", succeeds=False)
    assert "you are trying to overwrite a policy file that isn't the default" in said
