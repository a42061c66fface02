"""The provider's SDK warns of its own deprecated functions when imported; our warnings are errors."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_digitalocean  # noqa: F401 (imported for its side effect)
