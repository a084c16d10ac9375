#!/usr/bin/env bash
# Run on the host by scripts/deploy.sh; docs/upgrade.md says what it does, and why in this order.
#   release.sh new DIR TIMEOUT ID [IMAGE]   build releases/ID.draft, or take IMAGE, and put that in place
#   release.sh back DIR TIMEOUT             put the release before the current one in place
# Its standard input stays open as long as the caller is there. Until the switch begins, it ends with the caller; from
# then on it goes on to the end.
# Exit status: 0 done; 1 nothing is changed, or all is back; 3 somebody must look at it; 130 interrupted.
set -euo pipefail
umask 022

SERVICE=quota-proxy
RELEASES_KEPT=3
LOGS_KEPT=10

action=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=$2
timeout=$3
cd "$dir"
# shellcheck source=copy.sh
. "$here/host/copy.sh"
# shellcheck source=switch.sh
. "$here/host/switch.sh"

log=/dev/null
say() {
  # Nobody may be listening any more, and the disk may be full.
  echo "$*" || true
  echo "$*" >>"$log" || true
}

# An exit status, and what went wrong.
fail() {
  echo "deploy.sh: ${*:2}" >&2 || true
  echo "failed: ${*:2}" >>"$log" || true
  exit "$1"
}

quote() { sed 's/^/  | /' >&2 || true; }
show_log() { tail -n "$1" "$log" | quote; }
compose() { docker compose "$@" </dev/null 9>&-; }
server_container() { compose ps --all --quiet "$SERVICE" 2>/dev/null; }
is_running() { [ -n "$(compose ps --quiet --status running "$SERVICE" 2>/dev/null)" ]; }
tag() { docker tag "$1" "$2" >>"$log" 2>&1; }

# In the server's container, or in another one on its volume.
inside() {
  if is_running; then compose exec -T "$SERVICE" "$@"; else compose run --rm --no-deps -T "$SERVICE" "$@"; fi
}

# Freed by the kernel, however this ends.
take_lock() {
  exec 9>>.deploy.lock
  flock -n 9 && return
  refuse "another deploy is at work in $dir: wait until it is done"
}

child=
watch_caller() {
  exec 4<&0
  trap abandon TERM HUP INT PIPE
  { while read -r _; do :; done <&4 || true; kill -TERM $$; } >/dev/null 2>&1 9>&- &
  watcher=$!
}

abandon() {
  trap '' TERM HUP INT PIPE
  [ -z "$child" ] || kill "$child" 2>/dev/null || true
  drop_draft
  fail 130 "interrupted: nothing was changed"
}

# Runs a command so that a signal is heard meanwhile.
heard() {
  "$@" </dev/null 9>&- >>"$log" 2>&1 &
  child=$!
  local status=0
  wait "$child" || status=$?
  child=
  return "$status"
}

# A release that is not wanted: what was brought, and its image.
drop() {
  rm -rf "releases/$1" "releases/$1.draft"
  docker image rm "$project:$1" >/dev/null 2>&1 || true
}

# The same before the switch; where one goes back, there is none.
drop_draft() {
  if [ -d "releases/$id.draft" ]; then drop "$id"; fi
}

# What Compose calls this installation; its container, volume and image are named after that.
find_project() {
  local files=(--file "$1") own=docker-compose.override.yml other
  if [ -e "$own" ]; then files+=(--file "$own"); fi
  project=$(compose --project-directory "$dir" "${files[@]}" config --format json |
    sed -n 's/^  "name": "\(.*\)",$/\1/p') || project=
  [ -n "$project" ] || refuse "docker compose does not take $1 with your .env and $own in $dir (see above)"
  compose --project-directory "$dir" "${files[@]}" config --images | grep -x "$project" >/dev/null ||
    refuse "$own in $dir names another image than $project: take that line out, and use --image"
  other=$(docker ps --all --filter "label=com.docker.compose.project=$project" \
    --format '{{.Label "com.docker.compose.project.working_dir"}}' | while read -r each; do
    if [ "$(realpath -m "$each")" != "$(realpath "$dir")" ]; then echo "$each" && break; fi
  done)
  [ -z "$other" ] ||
    refuse "what runs in $other is called $project, too: give this one another name, COMPOSE_PROJECT_NAME=… in $dir/.env"
}

# Before there is an image.
refuse() {
  rm -rf "releases/$id.draft"
  fail 1 "$1"
}

get_image() {
  if [ -z "$1" ]; then
    say "Builds the image (this takes minutes the first time)"
    echo "services: {$SERVICE: {build: ., image: '$project:$id'}}" >"releases/$id.draft/build.yml"
    heard docker compose --project-name "$project" --project-directory "releases/$id.draft" \
      --file "releases/$id.draft/build.yml" build && return
  else
    say "Takes the image $1"
    if heard docker image inspect --format "{{.Id}}" "$1" || heard docker pull "$1"; then tag "$1" "$project:$id" && return; fi
  fi
  show_log 50
  drop_draft
  fail 1 "there is no image (see above, and $dir/$log on the host): nothing was changed"
}

# Sets $from: what runs now is the release to go back to, also if it was started by hand. Empty if there is nothing.
find_current() {
  local image
  from=
  if [ -s releases/current ]; then from=$(cat releases/current); fi
  image=$(docker container inspect --format '{{.Image}}' "$(server_container)" 2>/dev/null) ||
    image=$(docker image inspect --format '{{.Id}}' "$project:${from:-latest}" 2>/dev/null) ||
    image=
  if [ -z "$image" ] || [ ! -e docker-compose.yml ]; then from= && return; fi
  if [ -z "$from" ]; then
    from=0-by-hand
    mkdir -p "releases/$from"
    cp docker-compose.yml "releases/$from/"
    if [ -d scripts ]; then cp -R scripts "releases/$from/"; fi
  fi
  tag "$image" "$project:$from"
  tag "$image" "$project:latest"
}

before_current() {
  local each
  for each in $(cd releases && printf '%s\n' *Z 0-by-hand | LC_ALL=C sort -r); do
    if [[ $each < $(cat releases/current) && -d releases/$each ]]; then echo "$each" && return; fi
  done
}

# What nobody goes back to any more, and what runs that were killed left behind.
sweep() {
  local each
  for each in $(cd releases && printf '%s\n' *Z 0-by-hand | LC_ALL=C sort -r | tail -n "+$((RELEASES_KEPT + 1))"); do
    if [ -d "releases/$each" ] && [ "$each" != "$(cat releases/current)" ]; then drop "$each"; fi
  done
  find releases -maxdepth 1 -name '*.draft' -mmin +60 -exec rm -rf {} +
  for each in $(cd releases && printf '%s\n' *.log | LC_ALL=C sort -r | tail -n "+$((LOGS_KEPT + 1))"); do
    rm -f "releases/$each"
  done
}

new_release() {
  local image=$1
  find_project "releases/$id.draft/docker-compose.yml"
  settle
  watch_caller
  get_image "$image"
  find_current
  if [ -n "$from" ]; then copy_before; fi
  switch
}

copy_before() {
  back_up && return
  show_log 5
  drop_draft
  fail 1 "$why (see above, and $dir/$log on the host): nothing was changed"
}

back() {
  find_project docker-compose.yml
  settle
  [ -s releases/current ] || fail 1 "nothing was deployed to $dir by this script yet"
  id=$(before_current)
  [ -n "$id" ] || fail 1 "there is no release before $(cat releases/current) in $dir/releases"
  docker image inspect "$project:$id" >/dev/null 2>&1 || fail 1 "the image $project:$id is gone: deploy those sources anew"
  watch_caller
  find_current
  copy_before
  switch
}

id=${4:-$(date -u +%Y%m%dT%H%M%SZ)-back}
mkdir -p releases
take_lock
log=releases/$id.log
(umask 077 && : >>"$log")
case $action in
  new) new_release "${5:-}" ;;
  back) back ;;
esac
