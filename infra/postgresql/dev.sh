#!/usr/bin/env bash
# A PostgreSQL server for tests and development, in one folder, on a free port of 127.0.0.1.
#
#   infra/postgresql/dev.sh start DIR   create it if needed, start it, wait until it answers
#   infra/postgresql/dev.sh url DIR     print the URL of its empty database, with the password
#   infra/postgresql/dev.sh stop DIR    stop it and keep the data; `start` continues with them
#
# It needs PostgreSQL 14 or newer (Debian: apt-get install postgresql). PostgreSQL refuses to run as
# root; then the user `postgres` of the package runs it. The data are not safe from a power failure.
set -euo pipefail

fail() {
  echo "dev.sh: $1" >&2
  exit 1
}

[ $# = 2 ] || fail "write: dev.sh start|stop|url DIR"
verb=$1
mkdir -p "$2"
directory=$(cd "$2" && pwd)
data=$directory/data

PATH=$PATH:/usr/sbin:/sbin # runuser
# Debian keeps the programs of each version in a separate folder, which is not in PATH.
initdb=$(command -v initdb || find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -n 1)
programs=$(dirname "$(readlink -f "$initdb")")
[ -x "$programs/pg_ctl" ] || fail "PostgreSQL is not installed (Debian: apt-get install postgresql)"

as_owner() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && exec runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

sql() { # one statement, as the superuser
  PGPASSWORD=$(cat "$directory/superuser") "$programs/psql" -q -h 127.0.0.1 -p "$(cat "$directory/port")" \
    -U postgres -d postgres -c "$1" >/dev/null
}

random_word() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

create() {
  umask 077
  random_word >"$directory/superuser"
  random_word >"$directory/password"
  cp "$directory/superuser" "$directory/initdb-password"
  umask 022
  if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 700 "$data"
    chown postgres "$directory/initdb-password"
  fi
  as_owner "$programs/initdb" -D "$data" -U postgres -A scram-sha-256 -E UTF8 --locale=C.UTF-8 \
    --no-sync --pwfile="$directory/initdb-password" >"$directory/initdb.log" ||
    fail "initdb failed; see $directory/initdb.log"
  rm "$directory/initdb-password"
}

start() {
  [ -f "$data/PG_VERSION" ] || create
  for _ in 1 2 3 4 5; do
    [ -f "$directory/port" ] || echo $((20000 + RANDOM % 12000)) >"$directory/port"
    # No Unix socket: its path would be too long in many folders.
    if as_owner "$programs/pg_ctl" -D "$data" -l "$data/server.log" -w -t 60 start -o \
      "-p $(cat "$directory/port") -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" \
      >/dev/null; then
      [ -f "$directory/created" ] || create_database
      return
    fi
    [ ! -f "$directory/created" ] || break
    rm "$directory/port" # another program uses it
  done
  fail "PostgreSQL does not start; see $data/server.log"
}

create_database() {
  sql "create role prefect login password '$(cat "$directory/password")'"
  sql "create database prefect owner prefect"
  touch "$directory/created"
}

case $verb in
start) start ;;
stop)
  [ ! -f "$data/postmaster.pid" ] || as_owner "$programs/pg_ctl" -D "$data" -m fast -w stop >/dev/null
  ;;
url)
  [ -f "$directory/created" ] || fail "there is no server in $directory; start it first"
  echo "postgresql://prefect:$(cat "$directory/password")@127.0.0.1:$(cat "$directory/port")/prefect"
  ;;
*) fail "unknown verb '$verb'; write start, stop or url" ;;
esac
