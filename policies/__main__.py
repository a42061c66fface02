"""The pack's entry where the language host starts a directory (PulumiPolicy.yaml)."""

from policies.pack import serve

serve()
