#!/usr/bin/env bash
# Brings this checkout to a host and puts it in place: scripts/deploy.sh --help, docs/deployment.md, docs/upgrade.md.
# Works in the bash 3.2 of macOS, too; what runs on the host is in scripts/host/.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=connect.sh
. "$root/scripts/connect.sh"
# shellcheck source=settings.sh
. "$root/scripts/settings.sh"

# What the host gets; tests, documents, data and .env stay here.
FOR_COMPOSE=(docker-compose.yml .env.example scripts)
FOR_THE_IMAGE=(Dockerfile .dockerignore .npmrc package.json package-lock.json LICENSE build.mjs build core handlers adapters)

usage() {
  cat <<EOT
Usage: scripts/deploy.sh --host HOST [options]

Copies this checkout to the host by ssh, builds the image there, starts it with docker compose, and verifies it. Where a
release runs already this is the upgrade: the database is backed up first, and if the new release does not become
healthy, the one before is put back by itself. Safe to run again, also after it was interrupted.

$CONNECT_HELP
  --env-file FILE    settings for .env on the host, if there is none there yet; one that is there is never touched.
                     Files beside it that UPSTREAMS_FILE and PRICES_FILE name go along, and are mounted. Without it,
                     UPSTREAM_API_KEY and UPSTREAM_BASE_URL, or UPSTREAMS_FILE and the keys that the file names, are
                     taken from the environment. ADMIN_TOKEN is made on the host
  --image NAME       an image that is on the host or can be pulled there, instead of building one
  --back             go back to the release before the current one
  --timeout SECONDS  how long a release may take to become healthy (default: 120)
  --dry-run          say what would be done, and change nothing
  --help             this

Exit status: 0 done, 1 failed, with everything as it was or rolled back, 2 wrong usage, 3 failed and not rolled back:
look at it, 130 interrupted.
EOT
}

fail() {
  echo "deploy.sh: $*" >&2
  exit 1
}

wrong_usage() {
  echo "deploy.sh: $*: scripts/deploy.sh --help shows what there is" >&2
  exit 2
}

env_file='' image='' timeout=120 action=new dry_run=false
connection=()
while [ $# -gt 0 ]; do
  case $1 in
    --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
  esac
  case $1 in
    --env-file | --image | --timeout)
      [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
      case $1 in
        --env-file) env_file=$2 ;;
        --image) image=$2 ;;
        --timeout) timeout=$2 ;;
      esac
      shift 2
      ;;
    --back) action=back && shift ;;
    --dry-run) dry_run=true && shift ;;
    -h | --help) usage && exit 0 ;;
    *)
      connect_option "$@" || wrong_usage "$1 is no option"
      connection+=("${@:1:taken}")
      shift "$taken"
      ;;
  esac
done
check_connection
[[ $timeout =~ ^[1-9][0-9]{0,4}$ ]] || wrong_usage "--timeout needs seconds from 1 to 99999"
[[ $image =~ ^([A-Za-z0-9][A-Za-z0-9._/:@-]*)?$ ]] || wrong_usage "--image $image is no name of an image"
[ -z "$env_file" ] || [ -r "$env_file" ] || wrong_usage "--env-file $env_file cannot be read"

files=("${FOR_COMPOSE[@]}")
[ -n "$image" ] || files+=("${FOR_THE_IMAGE[@]}")

check_files() {
  local file
  for file in "${files[@]}"; do
    [ -e "$root/$file" ] || fail "$root/$file is missing: run this in a whole checkout of the repository"
  done
}

reach() {
  local status=0 trouble
  "$@" || status=$?
  [ "$status" != 0 ] || return 0
  trouble=$(connection_trouble "$status")
  [ -z "$trouble" ] || fail "$trouble"
  exit "$status"
}

id='' current='' has_env=no
look() {
  local name value said
  said=$(reach on_host bash -s -- "$dir" <"$root/scripts/host/look.sh") || exit
  while IFS='=' read -r name value; do
    case $name in
      id) id=$value ;;
      current) current=$value ;;
      env) has_env=$value ;;
    esac
  done <<<"$said"
}

plan() {
  local each
  echo "On $(host_name), in $dir, this would:"
  if [ "$action" = back ]; then
    echo "  back up the database into $dir/backups"
    echo "  put the release before $current in place, wait until it is healthy, or else put $current back"
  else
    echo "  copy ${files[*]} into releases/$id"
    if [ "$has_env" = no ]; then
      for each in $SETTINGS_FILES; do
        if [ -n "$(file_here "${each%:*}")" ]; then echo "  write ${each#*:}, as $(file_here "${each%:*}") is"; fi
      done
      if [ -n "$(override)" ]; then echo "  write docker-compose.override.yml, which mounts that read-only"; fi
      echo "  write .env (mode 600), with an ADMIN_TOKEN made there, and: $(settings | sed -n 's/^\([A-Z0-9_]*\)=..*/\1/p' | tr '\n' ' ')"
    fi
    if [ -n "$image" ]; then echo "  take the image $image"; else echo "  build the image"; fi
    if [ -n "$current" ]; then echo "  back up the database into $dir/backups"; fi
    echo "  start release $id, and wait at most $timeout s until it is healthy${current:+, or else put the one that runs now ($current) back}"
  fi
  echo "  verify it"
  echo "Nothing was changed."
}

copy_files() {
  local draft=$dir/releases/$id.draft
  echo "Copies release $id to $(host_name)"
  COPYFILE_DISABLE=1 tar -czf - -C "$root" --exclude '*.test.ts' "${files[@]}" |
    on_host "mkdir -p $dir/releases && mkdir $draft && tar -xzf - -C $draft"
}

# Before .env: where that is, they are there.
write_files() {
  local each file keep="bash $dir/releases/$id.draft/scripts/host/keep.sh $dir"
  [ "$has_env" = no ] || return 0
  for each in $SETTINGS_FILES; do
    file=$(file_here "${each%:*}")
    if [ -n "$file" ]; then on_host "$keep ${each#*:}" <"$file" || return; fi
  done
  if [ -n "$(override)" ]; then override | on_host "$keep docker-compose.override.yml" || return; fi
}

write_env() {
  if [ "$has_env" = yes ]; then
    [ -z "$env_file" ] || echo "Keeps $dir/.env as it is: $env_file is not used"
    return
  fi
  echo "Writes $dir/.env, with a new ADMIN_TOKEN"
  settings | on_host bash "$dir/releases/$id.draft/scripts/host/env.sh" "$dir"
}

# The host ends what it has not begun to switch when this standard input closes: with this script, however that ends.
pid=
attended() {
  mkfifo "$scratch/open"
  on_host "$@" <"$scratch/open" &
  pid=$!
  exec 8>"$scratch/open"
  wait "$pid"
}

interrupted() {
  trap - INT TERM HUP
  [ -n "$pid" ] || exit 130
  echo "Interrupted: waits for the host to come to a safe state" >&2
  exec 8>&-
  wait "$pid" || true
  exit 130
}

[ "$action" = back ] || check_files
look
[ "$action" = new ] || [ -n "$current" ] || fail "nothing was deployed to $dir on $(host_name) yet"
if [ "$action" = new ] && [ "$has_env" = no ]; then check_settings; fi
if $dry_run; then plan && exit 0; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap interrupted INT TERM HUP
if [ "$action" = back ]; then
  reach attended bash "$dir/scripts/host/release.sh" back "$dir" "$timeout"
else
  reach copy_files
  reach write_files
  reach write_env
  reach attended bash "$dir/releases/$id.draft/scripts/host/release.sh" new "$dir" "$timeout" "$id" ${image:+"$image"}
fi
trap - INT TERM HUP

bash "$root/scripts/verify.sh" "${connection[@]}" || exit 1
cat <<EOT

Done. On $(host_name), in $dir:
  docker compose exec quota-proxy quota-proxy keys create --label NAME   hands out a key
  .env has the settings and the ADMIN_TOKEN; after a change: docker compose up -d --wait
  docker compose cp quota-proxy:/data/pepper pepper.keep                 keep that elsewhere: without it no key works
EOT
