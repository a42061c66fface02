"""The operator's rights in the vault, and the token that carries them: what `exec` gives as VAULT_TOKEN.

The operator makes what the platform has in the vault, and reads no secret of it: it may write a customer's
provider key, not read one. It may write tenants' policies and roles, so it could give itself more; that can't
be forbidden here, but is on record in the audit log, and `stacks.verify` compares each with what is wanted.
"""

from pathlib import Path

import hvac
from hvac.exceptions import Forbidden, InvalidRequest

from local_cloud.hypervisor.certificates import write_private

POLICY_NAME = "operator"
PERIOD = "24h"
"""It ends that long after its last renewal: a token that has leaked dies with its cloud."""
LONGEST_WRAP_SECONDS = 600

POLICY = f"""\
# The mounts of the platform, and of nobody else
path "sys/mounts" {{ capabilities = ["read"] }}
path "sys/mounts/ssh" {{ capabilities = ["create", "read", "update", "delete"] }}
path "sys/mounts/ssh/tune" {{ capabilities = ["read", "update"] }}
path "sys/mounts/tenants/*" {{ capabilities = ["create", "read", "update", "delete"] }}
path "sys/auth" {{ capabilities = ["read"] }}
path "sys/auth/approle" {{ capabilities = ["create", "read", "update", "delete", "sudo"] }}
path "sys/auth/approle/tune" {{ capabilities = ["read", "update", "sudo"] }}

# Tenants' policies and roles. A secret id is had wrapped, or not at all
path "sys/policies/acl" {{ capabilities = ["list"] }}
path "sys/policies/acl/tenant-*" {{ capabilities = ["create", "read", "update", "delete"] }}
path "auth/approle/role" {{ capabilities = ["list"] }}
path "auth/approle/role/" {{ capabilities = ["list"] }}
path "auth/approle/role/+" {{ capabilities = ["create", "read", "update", "delete"] }}
path "auth/approle/role/+/role-id" {{ capabilities = ["read"] }}
path "auth/approle/role/+/secret-id" {{
  capabilities = ["create", "update"]
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "{LONGEST_WRAP_SECONDS}s"
}}
path "auth/approle/role/+/secret-id/" {{ capabilities = ["list"] }}
path "auth/approle/role/+/secret-id-accessor/lookup" {{ capabilities = ["create", "update"] }}
path "auth/approle/role/+/secret-id-accessor/destroy" {{ capabilities = ["create", "update", "delete"] }}

# Tokens: its own, and those whose accessor it knows
path "auth/token/lookup-self" {{ capabilities = ["read"] }}
path "auth/token/renew-self" {{ capabilities = ["update"] }}
path "auth/token/lookup-accessor" {{ capabilities = ["create", "update"] }}
path "auth/token/revoke-accessor" {{ capabilities = ["create", "update"] }}
path "sys/capabilities-self" {{ capabilities = ["update"] }}
path "sys/wrapping/lookup" {{ capabilities = ["update"] }}

# The SSH authority: its key is made in the vault and stays there
path "ssh/config/ca" {{ capabilities = ["create", "read", "update", "delete"] }}
path "ssh/roles" {{ capabilities = ["list"] }}
path "ssh/roles/" {{ capabilities = ["list"] }}
path "ssh/roles/*" {{ capabilities = ["create", "read", "update", "delete"] }}
path "ssh/sign/control-plane" {{ capabilities = ["create", "update"] }}

# A tenant's certificate authority. Certificates are had as the control plane alone
path "tenants/+/pki/root/generate/internal" {{ capabilities = ["create", "update"] }}
path "tenants/+/pki/cert/ca" {{ capabilities = ["read"] }}
path "tenants/+/pki/roles" {{ capabilities = ["list"] }}
path "tenants/+/pki/roles/" {{ capabilities = ["list"] }}
path "tenants/+/pki/roles/+" {{ capabilities = ["create", "read", "update", "delete"] }}
path "tenants/+/pki/issue/control-plane" {{ capabilities = ["create", "update"] }}
path "tenants/+/pki/sign/control-plane" {{ capabilities = ["create", "update"] }}

# Customers' keys are written and removed, never read; volumes' keys are the guardrail's alone to make
path "tenants/+/keys/config" {{ capabilities = ["create", "read", "update"] }}
path "tenants/+/keys/data/*" {{ capabilities = ["create", "update"] }}
path "tenants/+/keys/metadata/*" {{ capabilities = ["read", "list", "delete"] }}
path "tenants/+/volumes/config" {{ capabilities = ["create", "read", "update"] }}
path "tenants/+/volumes/data/*" {{ capabilities = ["deny"] }}
path "tenants/+/volumes/metadata/*" {{ capabilities = ["read", "list", "delete"] }}
"""


def set_up(root: hvac.Client, token_file: Path) -> None:
    """The policy as it is written here, and a token of it in `token_file`: the one there is, or a new one.

    `root` is a client with the root token.
    """
    root.sys.create_or_update_acl_policy(POLICY_NAME, POLICY)
    if not _renewed(root, token_file):
        answer = root.auth.token.create(
            policies=[POLICY_NAME],
            display_name=POLICY_NAME,
            period=PERIOD,
            no_parent=True,
            no_default_policy=True,
        )
        write_private(token_file, answer["auth"]["client_token"].encode())


def _renewed(root: hvac.Client, token_file: Path) -> bool:
    """Whether the token in the file is good for another period."""
    try:
        root.auth.token.renew(token_file.read_text())
    except (FileNotFoundError, Forbidden, InvalidRequest):
        return False
    return True
