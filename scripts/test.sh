#!/bin/bash
# Runs every test (arguments go to `swift test`) and, where one fails, says last what failed: the end of a log is what people see of it.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
mkdir -p .build
log=.build/test.log
swift=${SWIFT:-swift}
# All tests at once share one pool of as many threads as there are cores; a step of one would wait behind the work of six
# hundred, and its peer would lose patience.
few=()
if [[ $($swift test --help-hidden 2>/dev/null) == *--experimental-maximum-parallelization-width* ]]; then
  few=(--experimental-maximum-parallelization-width 8)
fi
$swift test "${few[@]}" "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
if [ "$status" -ne 0 ]; then
  printf '\n=== what failed\n'
  awk '/^✘/ { issue = 1; print; next } /^↳/ { if (issue) print; next } { issue = 0 } /(^|: )([Ff]atal )?error: /' "$log" |
    cut -c1-1000 | awk '!seen[$0]++' | head -n 60
fi
exit "$status"
