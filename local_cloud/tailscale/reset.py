"""The tailnet as it was at first, with its operator's key; for tests that share a local cloud."""

from contextlib import suppress

from sqlalchemy import delete, select

from local_cloud.hypervisor.mesh.model import MeshUnknownError
from local_cloud.tailscale import tables
from local_cloud.tailscale.policy.default import DEFAULT
from local_cloud.tailscale.policy.reading import read
from local_cloud.tailscale.tailnet import Tailnet, policy_file


def reset(tailnet: Tailnet) -> None:
    """Members that joined with the tailnet's keys go, the local cloud's own stay. Raises HypervisorError."""
    with tailnet.store.writing() as session:
        mesh_keys = {key.mesh_key_id for key in session.scalars(select(tables.Key)) if key.mesh_key_id}
        for node in tailnet.coordination.list_nodes():
            if node.key_id in mesh_keys:
                tailnet.coordination.delete_node(node.id)
        for key_id in mesh_keys:
            with suppress(MeshUnknownError):
                tailnet.coordination.expire_key(key_id)
        tailnet.enforce(read(DEFAULT))
        file = policy_file(session)
        file.text, file.untouched = DEFAULT, True
        for table in (tables.Setting, tables.Webhook):
            session.execute(delete(table))
        session.execute(delete(tables.Key).where(tables.Key.issued_by.is_not(None)))
        session.execute(delete(tables.Key))
        tailnet.admit_operator(session)
