#!/bin/sh
# Compiles each catalogue to DIR/LANGUAGE/LC_MESSAGES/outpost.mo (DIR: .build/locale unless named).
# With --check it also fails when a text has no translation.
set -eu
check=
if [ "${1:-}" = --check ]; then check=1; shift; fi
po=$(cd "$(dirname "$0")" && pwd)
target=${1:-$po/../.build/locale}
for catalogue in "$po"/*.po; do
    language=$(basename "$catalogue" .po)
    mkdir -p "$target/$language/LC_MESSAGES"
    msgfmt --check --output-file="$target/$language/LC_MESSAGES/outpost.mo" "$catalogue"
    if [ -n "$check" ]; then
        # what msgattrib leaves are the texts without a translation, and those in doubt
        missing=$(msgattrib --untranslated --no-wrap "$catalogue"; msgattrib --only-fuzzy --no-wrap "$catalogue")
        if [ -n "$missing" ]; then
            printf '%s\n' "$missing" >&2
            echo "$language: texts without translation (above)" >&2
            exit 1
        fi
    fi
done
