#!/usr/bin/env bash
# The environment in .venv: what the portal runs on, or ("dev") what tests and checks need as well.
# Uses uv where it is, else venv and pip; nothing is installed without its hash. A stamp keeps it from being repeated.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-run}
case $kind in
  run) lock=requirements.txt ;;
  dev) lock=requirements-dev.txt ;;
  *) echo "setup.sh: unknown kind '$kind' (run, dev)" >&2; exit 2 ;;
esac

venv=.venv
python=${PYTHON:-python3}
mark="$(cksum < "$lock")"
stamp="$venv/.installed-$kind"

if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$mark" ]; then
  exit 0
fi

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "The portal needs Python 3.11 or newer; '$python' is not. Say which: make PYTHON=/path/to/python3.11 ..." >&2
  exit 2
fi

with_uv() {
  command -v uv >/dev/null 2>&1 || return 1
  # An authority's network often has a certificate of its own: trust what the system trusts.
  export UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
  [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv" || return 1
  uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
}

with_pip() {
  "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv "$venv" || {
    echo "python3 -m venv does not work here; on Debian: apt-get install python3-venv" >&2
    return 1
  }
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
}

echo "Setting up $venv from $lock ..."
with_uv || with_pip || { echo "The environment could not be set up; what went wrong is said above." >&2; exit 1; }
echo "$mark" > "$stamp"
[ "$kind" = run ] || cksum < requirements.txt > "$venv/.installed-run"  # the larger set holds the smaller
