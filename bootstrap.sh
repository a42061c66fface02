#!/usr/bin/env bash
# Makes .venv exactly what requirements.lock says. Safe to interrupt, and to run twice at once.
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}

fail() { echo "bootstrap: $*" >&2; exit 1; }

[ "$(uname -s)" = Linux ] || fail "Tenantry's local cloud needs Linux, this is $(uname -s): use a Linux machine or VM."
command -v "$python" >/dev/null || fail "no $python here: install Python 3.11 or later, or set PYTHON."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$("$python" --version) is too old: install Python 3.11 or later, or set PYTHON."
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
  command -v apt-get >/dev/null || fail "$python has no ensurepip: install your system's package for Python's venv."
  apt-get update -qq && apt-get install -y -qq python3-venv
fi

exec 9>.venv.lock
flock 9
if [ -e .venv/ready ] && [ .venv/ready -nt requirements.lock ] && [ .venv/ready -nt pyproject.toml ] &&
  [ .venv/ready -nt requirements-bootstrap.lock ] && [ .venv/ready -nt bootstrap.sh ]; then
  exit 0
fi
rm -f .venv/ready
echo "bootstrap: installing the Python packages of requirements.lock"
[ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --require-hashes -r requirements-bootstrap.lock
.venv/bin/uv pip sync --compile-bytecode --quiet --python .venv/bin/python --require-hashes requirements.lock requirements-bootstrap.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch .venv/ready
