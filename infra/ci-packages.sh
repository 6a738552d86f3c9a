#!/usr/bin/env bash
# Installs what Debian has of the programs that some tests start: a real PostgreSQL, a real Slurm,
# docker-compose. Those tests are skipped where a program is missing, so this never fails: it does
# nothing without root and apt-get, and nothing if all is installed. Without a network it gives up
# after some minutes at most.
set -uo pipefail

declare -A packages=(
  [/usr/share/doc/postgresql]=postgresql
  [/usr/bin/docker-compose]=docker-compose
  [/usr/sbin/slurmctld]=slurm-wlm
  [/usr/sbin/munged]=munge
)

missing=()
for path in "${!packages[@]}"; do
  [ -e "$path" ] || missing+=("${packages[$path]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
if [ "$(id -u)" != 0 ]; then
  sudo -n true 2>/dev/null || exit 0
  sudo=(sudo -n)
fi
command -v apt-get >/dev/null || exit 0

echo "installing ${missing[*]} for the tests that start them"
# A mirror that does not answer must not hold up the tests, and nothing may ask a question.
apt() {
  local seconds=$1
  shift
  "${sudo[@]}" timeout --kill-after=10 "$seconds" env DEBIAN_FRONTEND=noninteractive \
    apt-get --yes --quiet=2 -o Acquire::Retries=1 -o Acquire::http::Timeout=15 \
    -o Acquire::https::Timeout=15 -o DPkg::Lock::Timeout=60 "$@" </dev/null >/dev/null 2>&1
}
download_seconds=240
# Downloaded first, because an installation should not be cut off in the middle.
install() {
  local left=$((download_seconds - SECONDS))
  [ $left -gt 0 ] || return 1
  apt $left install --no-install-recommends --download-only "$1" \
    && apt 300 install --no-install-recommends --no-download "$1"
}
# One by one: a distribution may lack one of them.
updated=no
for package in "${missing[@]}"; do
  install "$package" && continue
  # The lists of packages may be old, or absent in a container.
  [ $updated = yes ] || apt 90 update
  updated=yes
  install "$package" || echo "$package cannot be installed: its tests are skipped"
done
exit 0
