"""The base of every failure that is expected, and those of speaking to a host, the vault or the tailnet.

    TenantryError
    ├── EnrolmentError   a host could not be given its identity
    ├── SshError         a host could not be entered
    ├── TailnetError     Tailscale's API could not be asked
    ├── VaultError       the vault could not be asked
    └── StacksError      all that can go wrong while stacks are run (stacks/errors.py)

Every message says what is wrong and the next step; none holds a secret.
"""


class TenantryError(Exception):
    """Commands print its message alone, without a traceback."""
