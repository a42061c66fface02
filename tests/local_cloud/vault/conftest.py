from collections.abc import Iterator

import pytest
from vault_server import RunningVault, running_vault


@pytest.fixture(scope="module")
def platform_vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    """With what the platform has in it, made with the operator's rights and no others."""
    with running_vault(tmp_path_factory.mktemp("vault")) as vault:
        operator = vault.operator
        operator.sys.enable_auth_method("approle")
        operator.sys.enable_secrets_engine("ssh", path="ssh")
        for tenant in ("acme", "globex"):
            for engine in ("keys", "volumes"):
                path = f"tenants/{tenant}/{engine}"
                operator.sys.enable_secrets_engine("kv", path=path, options={"version": "2"})
            operator.sys.enable_secrets_engine("pki", path=f"tenants/{tenant}/pki")
        yield vault
