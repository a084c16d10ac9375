#!/usr/bin/env bash
# What scripts/deploy.sh asks the host first: look.sh DIR. Changes nothing. One file, because it is sent, not copied.
set -euo pipefail

fail() {
  echo "deploy.sh: $*" >&2
  exit 1
}

look() {
  local dir=$1 place=$1 me
  me=$(id -un)
  command -v docker >/dev/null || fail "there is no Docker on the host: https://docs.docker.com/engine/install/"
  docker compose version >/dev/null 2>&1 ||
    fail "Docker has no Compose plugin on the host: https://docs.docker.com/compose/install/linux/"
  docker info >/dev/null 2>&1 ||
    fail "$me cannot use Docker on the host: start it, or sudo usermod -aG docker $me and log in anew"
  command -v flock >/dev/null || fail "flock is missing on the host: install util-linux"
  while [ ! -e "$place" ]; do place=$(dirname "$place"); done
  if [ ! -d "$place" ] || [ ! -w "$place" ]; then
    fail "$me cannot write to $place on the host: sudo install -d -o $me $dir there, or another --dir or --user"
  fi
  if [ -e "$dir/.env" ]; then
    grep -Eq '^ *(export +)?ADMIN_TOKEN *= *[^ ]' "$dir/.env" ||
      fail "$dir/.env has no ADMIN_TOKEN: add one there, as openssl rand -hex 32 makes it"
    echo env=yes
  fi
  if [ -s "$dir/releases/current" ]; then
    echo "current=$(cat "$dir/releases/current")"
  elif [ -e "$dir/docker-compose.yml" ]; then
    echo current=by-hand
  fi
  # By the clock of the host, so that releases sort as they came.
  echo "id=$(date -u +%Y%m%dT%H%M%SZ)"
}

look "$@"
