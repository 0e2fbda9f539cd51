#!/bin/sh
# Collects every translatable text into po/outpost.pot and merges it into each catalogue.
# Multi-line literals only end early in the eyes of xgettext, hence the filter. Swift is read as C: tr("…") and trn("one", "many", …) look the same there.
set -eu
cd "$(dirname "$0")/.."
find Sources/App -name '*.swift' ! -name '*.generated.swift' | LC_ALL=C sort | xgettext --files-from=- --language=C --from-code=UTF-8 \
    --keyword= --keyword=tr:1 --keyword=trn:1,2 --add-comments=Translators: --no-wrap --sort-by-file \
    --package-name=outpost --output=po/outpost.pot 2>&1 | grep -v -e 'unterminated character constant' -e 'unterminated string literal' >&2 || true
for catalogue in po/*.po; do
    msgmerge --quiet --no-wrap --no-fuzzy-matching --sort-by-file --backup=none --update "$catalogue" po/outpost.pot
done
