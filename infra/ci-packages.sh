#!/usr/bin/env bash
# Installs what Debian has of the programs that some tests start: a real PostgreSQL, a real Slurm,
# docker-compose. Those tests are skipped where a program is missing, so this never fails: it does
# nothing without root and apt-get, and nothing if all is installed.
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
# One by one: a distribution may lack one of them.
install() {
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 \
    --no-install-recommends -o DPkg::Lock::Timeout=120 "$1" >/dev/null 2>&1
}
updated=no
for package in "${missing[@]}"; do
  install "$package" && continue
  # The lists of packages may be old, or absent in a container.
  [ $updated = yes ] || "${sudo[@]}" apt-get update --quiet=2 >/dev/null 2>&1
  updated=yes
  install "$package" || echo "$package cannot be installed: its tests are skipped"
done
exit 0
