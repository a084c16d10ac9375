#!/usr/bin/env bash
# Looks whether a deployment is as it should be: scripts/verify.sh --help. Changes nothing.
# shellcheck disable=SC2317 # `expect` calls what it is given.
set -euo pipefail

SERVICE=quota-proxy
TOKEN_LENGTH_MIN=32

fail() {
  echo "verify.sh: $*" >&2
  exit 1
}

wrong_usage() {
  echo "verify.sh: $*: scripts/verify.sh --help shows what there is" >&2
  exit 2
}

usage() {
  cat <<EOT
Usage: scripts/verify.sh --host HOST [options]
       scripts/verify.sh --local [--dir DIR]

Looks at the directory, its files, the container, its health, port, volume, database, rights and limits, and asks the
admin API. One line for each, and a remedy for what is not as it should be. Changes nothing.

$CONNECT_HELP
  --help             this

Exit status: 0 all is well, 1 something is not, 2 wrong usage.
EOT
}

troubles=0
good() { echo "✓ $1"; }
bad() {
  troubles=$((troubles + 1))
  echo "✗ $1"
  echo "    $2"
}

# A finding that is either, by the status of a command: good line, bad line, remedy, command.
expect() {
  if "${@:4}" >/dev/null 2>&1; then good "$1"; else bad "$2" "$3"; fi
}

compose() { docker compose "$@" </dev/null; }
inside() { compose exec -T "$SERVICE" "$@"; }
of_container() { docker container inspect --format "$1" "$container" </dev/null; }

check_directory() {
  if ! cd "$1" 2>/dev/null; then
    bad "there is no directory $1 that $(id -un) may look into" "deploy first, or name it with --dir"
    return 1
  fi
  good "directory $1"
  local file missing=
  for file in docker-compose.yml .env scripts/backup.sh; do [ -r "$file" ] || missing="$missing $file"; done
  if [ -n "$missing" ]; then
    bad "files are missing:$missing" "deploy again: a database and .env that are there are kept"
    [[ $missing != *docker-compose.yml* && $missing != *.env* ]] || return 1
  else
    good "files: docker-compose.yml, .env, scripts"
  fi
  expect ".env is for its owner alone" ".env can be read by others" "chmod 600 $1/.env" is_private .env
  expect "ADMIN_TOKEN is set" "ADMIN_TOKEN in .env is missing or shorter than $TOKEN_LENGTH_MIN" \
    "put one there, as openssl rand -hex 32 makes it, then docker compose up -d --wait" \
    grep -Eq "^ *(export +)?ADMIN_TOKEN *= *[\"']?[^\"']{$TOKEN_LENGTH_MIN,}" .env
}

is_private() { [ -z "$(find "$1" -prune -perm /077)" ]; }

check_container() {
  if ! docker info >/dev/null 2>&1 || ! compose config --quiet; then
    bad "docker compose cannot be used by $(id -un)" "see above; sudo usermod -aG docker $(id -un), then log in anew"
    return 1
  fi
  container=$(compose ps --all --quiet "$SERVICE")
  if [ -z "$container" ] || [ "$(of_container '{{.State.Status}}')" != running ]; then
    bad "the container does not run" "docker compose up -d --wait; docker compose logs $SERVICE says why it ended"
    return 1
  fi
  good "the container runs, since $(of_container '{{.State.StartedAt}}' | cut -c 1-19)Z"
  expect "it runs the image that was deployed" "it runs another image than $(image_name) is now" \
    "docker compose up -d --wait" is_current
  local health
  health=$(of_container '{{if .State.Health}}{{.State.Health.Status}}{{else}}not checked{{end}}')
  expect "health: $health" "health: $health" "docker compose logs $SERVICE" test "$health" = healthy
}

image_name() { of_container '{{.Config.Image}}'; }
is_current() { [ "$(of_container '{{.Image}}')" = "$(docker image inspect --format '{{.Id}}' "$(image_name)")" ]; }

check_port() {
  local addresses ip open=
  addresses=$(of_container '{{range index .NetworkSettings.Ports "8787/tcp"}}{{.HostIp}} {{.HostPort}}{{"\n"}}{{end}}')
  if [ -z "$addresses" ]; then
    good "port: published nowhere, for a proxy in another container"
    expect "GET /healthz answers 200, inside" "GET /healthz gives no 200" "docker compose logs $SERVICE" \
      inside quota-proxy healthcheck
    return
  fi
  while read -r ip _; do
    case $ip in 127.* | ::1 | '') ;; *) open="$open $ip" ;; esac
  done <<<"$addresses"
  read -r address port <<<"$addresses"
  if [ -z "$open" ]; then
    good "port: $address:$port, for this host alone"
  else
    bad "port $port is open to others, on$open" \
      "publish it as 127.0.0.1:$port:8787 in docker-compose.yml or its override, with a proxy with TLS in front"
  fi
  expect "GET /healthz answers 200" "GET /healthz on $address:$port gives no 200" "docker compose logs $SERVICE" \
    answers /healthz 200
  expect "the admin API refuses who has no token" "GET /admin/keys without a token does not give 401" \
    "something else listens on $address:$port? docker compose ps" answers /admin/keys 401
}

# By the shell itself: neither curl nor a token is needed. In a shell of its own, which a closed connection may end.
answers() (
  exec 3<>"/dev/tcp/$address/$port" || exit
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&3
  read -r -t 5 _ status _ <&3 || exit
  [ "$status" = "$2" ]
)

check_data() {
  local volume
  volume=$(of_container '{{range .Mounts}}{{if eq .Destination "/data"}}{{.Type}} {{.Name}}{{.Source}}{{end}}{{end}}')
  if [[ -z $volume || $volume =~ ^volume\ [0-9a-f]{64} ]]; then
    bad "/data is on no volume of its own: it goes away with the container" \
      "back up first (scripts/backup.sh), then mount quota-data at /data as docker-compose.yml of the repository does"
  else
    good "data: $(cut -d / -f 1 <<<"${volume/bind /folder }")"
  fi
  # shellcheck disable=SC2016 # The container's own.
  local count='sqlite3 -readonly "$STORE_PATH" "SELECT count(*) FROM ledger"'
  expect "the database can be read" "there is no database that can be read" \
    "docker compose exec $SERVICE quota-proxy doctor; docs/backup.md says how to restore one" inside sh -c "$count"
  # The token stays in the container's environment, where the command line finds it.
  expect "the admin API answers the ADMIN_TOKEN" "the admin API does not answer" \
    "docker compose logs $SERVICE; after a change of .env: docker compose up -d --wait" \
    inside quota-proxy keys list --limit 1 --json
}

check_limits() {
  local memory
  memory=$(of_container '{{.HostConfig.Memory}}')
  expect "memory: at most $((memory / 1048576)) MB" "there is no limit of memory" \
    "keep deploy.resources.limits of docker-compose.yml" test "$memory" -gt 0
  expect "without rights: read-only, no capabilities, user $(of_container '{{.Config.User}}')" \
    "it has more rights than it needs" "keep user, read_only, cap_drop and security_opt of docker-compose.yml" has_no_rights
  expect "it starts again when the host does" "it does not start again when the host does" \
    "keep restart: unless-stopped of docker-compose.yml" starts_again
  expect "its log is bounded" "its log grows without bound" "keep logging of docker-compose.yml" has_bounded_log
}

has_no_rights() {
  [ "$(of_container '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}')" = "true [ALL]" ] &&
    [[ $(of_container '{{.HostConfig.SecurityOpt}}') == *no-new-privileges* ]] && [ "$(inside id -u)" != 0 ]
}
starts_again() { [[ $(of_container '{{.HostConfig.RestartPolicy.Name}}') =~ ^(always|unless-stopped)$ ]]; }
has_bounded_log() {
  [[ $(of_container '{{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config "max-size"}}') != 'json-file ' ]]
}

verify() {
  if check_directory "$1" && check_container; then
    check_port
    check_data
    check_limits
  fi
  if [ "$troubles" = 0 ]; then echo "All is well." && exit 0; fi
  echo "Not as it should be: $troubles"
  exit 1
}

main() {
  # Sent to a host it is all there is of the repository.
  if [ "${1:-}" = on-host ]; then verify "$2"; fi
  local root
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  # shellcheck source=connect.sh
  . "$root/scripts/connect.sh"
  while [ $# -gt 0 ]; do
    case $1 in
      --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    esac
    case $1 in
      -h | --help) usage && exit 0 ;;
    esac
    connect_option "$@" || wrong_usage "$1 is no option"
    shift "$taken"
  done
  check_connection
  local status=0 trouble
  on_host bash -s -- on-host "$dir" <"$root/scripts/verify.sh" || status=$?
  trouble=$(connection_trouble "$status")
  [ -z "$trouble" ] || fail "$trouble"
  exit "$status"
}

main "$@"
