#!/bin/bash
# run.sh thread|address [filter]: the tests of Queue and Sender (or those that `filter` matches) with a sanitizer in them.
# They are built beside the others, in .build-thread or .build-address (SCRATCH names another folder), which takes as long
# as the first build of all. A report ends it with 66.
set -euo pipefail
cd "$(dirname "$0")/../.."
kind=${1:?thread or address}
filter=${2:-^(QueueTests|SenderTests)\\.}
scratch=${SCRATCH:-.build-$kind}
swift=${SWIFT:-swift}

"$swift" build --build-tests --sanitize="$kind" --scratch-path "$scratch"
tests=$("$swift" build --sanitize="$kind" --scratch-path "$scratch" --show-bin-path)/outpostPackageTests.xctest

export OUTPOST_HISTORIES=${HISTORIES:-40}
case $kind in
  thread)
    compilers=$(dirname "$(realpath "$(command -v "$swift")")")
    "$compilers/clang" -O1 -shared -fPIC -Wall -Wextra -Werror Tests/Sanitizers/tsan.c -o "$scratch/tsan.so" -ldl
    "$compilers/swiftc" -sanitize=thread Tests/Sanitizers/check.swift -o "$scratch/check"
    export LD_PRELOAD=$scratch/tsan.so TSAN_OPTIONS="exitcode=66 ${TSAN_OPTIONS:-}"
    case $LD_PRELOAD in /*) ;; *) LD_PRELOAD=$PWD/$LD_PRELOAD ;; esac
    "$scratch/check" || { echo 'tsan.c does not fit this compiler: the report above is of what is in order.' && exit 70; } >&2
    ! "$scratch/check" race 2>/dev/null || { echo 'With tsan.c no race is reported.' && exit 70; } >&2
    ;;
  address)
    # The test runner keeps a little to its end, and Swift's metadata for ever.
    export ASAN_OPTIONS="exitcode=66 detect_leaks=0 ${ASAN_OPTIONS:-}"
    ;;
  *)
    echo 'run.sh thread|address [filter]' >&2
    exit 64
    ;;
esac
# Few at a time: a test whose peer waits behind a hundred others loses patience.
exec "$tests" --testing-library swift-testing --experimental-maximum-parallelization-width 2 --filter "$filter"
