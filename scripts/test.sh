#!/bin/bash
# Runs every test (arguments go to `swift test`) and, where one fails, says last what failed: the end of a log is what people see of it.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
mkdir -p .build
log=.build/test.log
${SWIFT:-swift} test "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
if [ "$status" -ne 0 ]; then
  printf '\n=== what failed\n'
  grep -a -E '^(✘|↳|error:)|: (error|fatal error|Fatal error):|Crash' "$log" | cut -c1-1000 | awk '!seen[$0]++' | head -n 60
fi
exit "$status"
