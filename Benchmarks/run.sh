#!/bin/bash
# Runs bench.py, with aiosmtplib beside it where PyPI gives it (or BENCH_VENV holds it already).
set -u
here=$(cd "$(dirname "$0")" && pwd)
venv=${BENCH_VENV:-$here/../.build/bench-venv}
if [ -z "${PEER_PYTHON:-}" ]; then
  if [ ! -x "$venv/bin/python" ]; then
    { python3 -m venv "$venv" && timeout 60 "$venv/bin/pip" install -q aiosmtplib==5.1.0; } >/dev/null 2>&1 || true
  fi
  if "$venv/bin/python" -c 'import aiosmtplib' 2>/dev/null; then
    export PEER_PYTHON=$venv/bin/python
  else
    echo 'no aiosmtplib here (python3-venv and PyPI give it): its row is left out' >&2
  fi
fi
ulimit -n 20000 2>/dev/null || true
exec timeout -k 20 475 python3 -u "$here/bench.py"
