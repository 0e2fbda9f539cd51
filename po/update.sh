#!/bin/sh
# Collects every translatable text into po/outpost.pot and merges it into each catalogue.
# Multi-line literals only end early in the eyes of xgettext, hence the filter. Swift is read as C: tr("…") and trn("one", "many", …) look the same there.
set -eu
cd "$(dirname "$0")/.."
# What commands say of themselves (po/help.pl) and what other rooms and the parser say (po/rooms.txt) is collected beside it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find Sources/App -name '*.swift' ! -name '*.generated.swift' | LC_ALL=C sort >"$work/files"
while read -r file; do
    mkdir -p "$work/$(dirname "$file")"
    perl po/help.pl "$file" >"$work/$file"
done <"$work/files"
mkdir "$work/po"
cp po/rooms.txt "$work/po/rooms.txt"
echo po/rooms.txt >>"$work/files"
xgettext --files-from="$work/files" --directory="$work" --language=C --from-code=UTF-8 \
    --keyword= --keyword=tr:1 --keyword=trn:1,2 --add-comments=Translators: --no-wrap --sort-by-file \
    --package-name=outpost --output=po/outpost.pot 2>&1 | grep -v -e 'unterminated character constant' -e 'unterminated string literal' >&2 || true
for catalogue in po/*.po; do
    msgmerge --quiet --no-wrap --no-fuzzy-matching --sort-by-file --backup=none --update "$catalogue" po/outpost.pot
done
