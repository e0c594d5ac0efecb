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

echo "Setting up $venv from $lock ..."
if command -v uv >/dev/null 2>&1; then
  [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv"
  uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
else
  if [ ! -x "$venv/bin/python" ]; then
    "$python" -m venv "$venv" || { echo "python3 -m venv does not work here; on Debian: apt-get install python3-venv" >&2; exit 2; }
  fi
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
fi
echo "$mark" > "$stamp"
[ "$kind" = run ] || cksum < requirements.txt > "$venv/.installed-run"  # the larger set holds the smaller
