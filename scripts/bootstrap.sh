#!/bin/bash
# Installs the Debian packages that are missing, and only those; asks nothing.
# usage: scripts/bootstrap.sh build|test|bench …
#   build  what the program is built with (of libcurl the headers; it is opened when a mailbox is asked)
#   test   what the acceptance tests run beside it
#   bench  what the benchmark compares with
set -euo pipefail

say() { printf 'outpost: %s\n' "$*" >&2; }

# --- Swift -------------------------------------------------------------------------------------------------------
needs_swift='outpost is built with Swift 6 or newer: get it from https://www.swift.org/install/linux/, put `swift` on your PATH, and run this again.'
if ! command -v swift >/dev/null; then
  say "no Swift here. $needs_swift"
  exit 1
fi
# The whole answer is read before it is searched, so that no early exit of a reader can fail the pipe.
version=$(swift --version 2>/dev/null || true)
major=$(sed -n 's/.*Swift version \([0-9][0-9]*\).*/\1/p' <<<"$version" | head -n 1)
if [ -z "$major" ] || [ "$major" -lt 6 ]; then
  say "found ${version%%$'\n'*}. $needs_swift"
  exit 1
fi

# --- Debian packages ---------------------------------------------------------------------------------------------
build=(make libncurses-dev libssl-dev libsqlite3-dev libcurl4-openssl-dev libidn2-dev libc-ares-dev libcmark-gfm-dev libcmark-gfm-extensions-dev gettext)
test=(libcurl4 postfix dovecot-imapd sasl2-bin libsasl2-modules python3 openssl procps tmux faketime strace dnsmasq-base)
bench=(postfix python3 python3-venv openssl gcc libc6-dev libssl-dev libsqlite3-dev sqlite3 strace)

wanted=()
for set in "${@:-build}"; do
  case $set in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    *) say "usage: scripts/bootstrap.sh build|test|bench …"; exit 64 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  say "this is no Debian or Ubuntu, so nothing was installed. On Debian these packages are needed: ${wanted[*]}"
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || [[ " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

say "installing from Debian: ${missing[*]}"
root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    say "neither root nor sudo here. As root: apt-get install ${missing[*]}"
    exit 1
  fi
  root=(sudo)
fi
as_root() { ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive "$@"; }

# A mail server that is installed for tests alone must not start, now or at the next boot. policy-rc.d is Debian's
# way to say so for the time of an installation; one that is there already is left as it is.
policy=/usr/sbin/policy-rc.d
placed=
cleanup() { [ -z "$placed" ] || as_root rm -f "$policy"; }
trap cleanup EXIT
services=()
for pair in postfix:postfix sasl2-bin:saslauthd dovecot-imapd:dovecot; do
  [[ " ${missing[*]} " == *" ${pair%%:*} "* ]] && services+=("${pair##*:}")
done
if [ ${#services[@]} -gt 0 ]; then
  if [ ! -e "$policy" ]; then
    placed=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  if command -v debconf-set-selections >/dev/null; then
    printf 'postfix postfix/main_mailer_type select No configuration\n' | as_root debconf-set-selections
  fi
fi

log=$(mktemp)
apt() { as_root apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >>"$log" 2>&1; }
apt update || say "the package lists could not be refreshed; going on with those that are here"
if ! apt install -y --no-install-recommends "${missing[@]}"; then
  tail -n 20 "$log" >&2
  say "the installation failed; the whole of its output is in $log. Put right what it names, and run this again."
  exit 1
fi
rm -f "$log"

if [ ${#services[@]} -gt 0 ] && [ -d /run/systemd/system ]; then
  for service in "${services[@]}"; do
    as_root systemctl disable --quiet --now "$service" 2>/dev/null || true
  done
fi
