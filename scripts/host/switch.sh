# shellcheck shell=bash
# From $from to $id, and back if that is not well: sourced by release.sh. releases/switching tells of a switch under
# way, so that the next run can settle one that was cut off by a loss of power. The names are those of release.sh.
# shellcheck disable=SC2154

BACK_SECONDS_MIN=120 # Whatever the new release was given: the old one is known to start.
RESTARTS_MAX=3 # A server that ended so often while it started will not start.

stop_watching() {
  trap '' TERM HUP INT PIPE
  kill "$watcher" 2>/dev/null || true
}

switch() {
  stop_watching
  note forth
  if [ -d "releases/$id.draft" ]; then mv "releases/$id.draft" "releases/$id"; fi
  say "Starts release $id"
  if put "$id" && copy_found && start; then finish && return; fi
  show_words "$id"
  if [ -n "$from" ]; then roll_back; else withdraw; fi
}

# For whoever comes after a loss of power.
note() {
  printf '%s\n' "$1" "$from" "$id" "${schema:-}" "${copy:-}" >releases/switching.draft &&
    sync releases/switching.draft &&
    mv releases/switching.draft releases/switching
}

# Where nothing ran, there may be a volume all the same: copied by the new release, before that changes it.
copy_found() {
  if [ -z "$from" ]; then back_up; fi
}

# The files and the image that Compose works with.
put() {
  local each
  for each in docker-compose.yml .env.example; do
    [ -e "releases/$1/$each" ] || continue
    cp "releases/$1/$each" "$each.draft" && mv "$each.draft" "$each" || return
  done
  if [ -d "releases/$1/scripts" ]; then
    rm -rf scripts.draft && cp -R "releases/$1/scripts" scripts.draft && rm -rf scripts && mv scripts.draft scripts || return
  fi
  tag "$project:$1" "$project:latest"
}

# Returns once the container is healthy and its published port answers; sets $why if that does not come to pass.
start() {
  local deadline state container restarts=''
  deadline=$(($(date +%s) + timeout))
  why="docker compose up failed"
  compose up --detach --no-build >>"$log" 2>&1 || return
  why="it is not healthy after $timeout s"
  while [ "$(date +%s)" -lt "$deadline" ]; do
    container=$(server_container) || container=
    state=$(docker container inspect --format \
      '{{.RestartCount}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$container") || state=
    : "${restarts:=${state%% *}}"
    case $state in
      *' running healthy') answers && return ;;
      *' restarting '* | *' exited '*)
        if [ "${state%% *}" -ge $((restarts + RESTARTS_MAX)) ]; then why="it keeps ending" && return 1; fi
        ;;
    esac
    sleep 0.5
  done
  return 1
}

answers() {
  local address
  # Published nowhere, it serves a proxy in a container.
  address=$(compose port "$SERVICE" 8787 2>/dev/null) || return 0
  [[ $address == *:[1-9]* ]] || return 0
  (
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}" &&
      printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3 &&
      read -r -t 5 _ status _ <&3 &&
      [ "$status" = 200 ]
  ) 2>/dev/null
}

finish() {
  echo "$id" >releases/current.draft
  mv releases/current.draft releases/current
  rm -f releases/switching
  sweep
  say "Release $id (version $(inside quota-proxy version 2>/dev/null)) is healthy${from:+; before it was $from}"
}

show_words() {
  local words
  words=$(docker logs --tail 20 "$(server_container)" 2>&1) || words=
  echo "deploy.sh: release $1: $why. Its last words:" >&2 || true
  if [ -z "$words" ]; then words=$(tail -n 10 "$log"); fi
  echo "$words" >>"$log"
  quote <<<"$words"
}

# The database goes back only where the old release could not read it any more.
roll_back() {
  local now restored='' aside
  say "Rolls back to release $from"
  note back || true
  compose stop --timeout 10 "$SERVICE" >>"$log" 2>&1 || true # It served nobody: there is nothing to wait for.
  put "$from" || stuck "its files could not be put back"
  now=$(schema_version) || now=
  if [ -n "$now" ] && [ -n "$schema" ] && [ "$now" != "$schema" ]; then
    say "  release $id has changed the tables of the database, from version $schema to $now"
    restore_copy || stuck "the copy could not be restored"
    restored=yes
  fi
  if [ "$timeout" -lt "$BACK_SECONDS_MIN" ]; then timeout=$BACK_SECONDS_MIN; fi
  start || stuck "$why"
  rm -f releases/switching
  # One that was gone back to is kept.
  if [[ $id > $from ]]; then drop "$id"; fi
  if [ -n "$restored" ]; then
    aside=$(sed -n 's/.*"kept_aside": *"\([^"]*\)".*/\1/p' "$log" | tail -n 1)
    fail 1 "rolled back: release $from is healthy, with the database as in $copy. What was recorded after that copy is" \
      "only in the database that release $id changed, kept as $aside in the volume. Log: $dir/$log"
  fi
  fail 1 "rolled back: release $from is healthy, and the database as it was; nothing is lost. Log: $dir/$log"
}

stuck() {
  why=$1
  show_words "$from"
  fail 3 "release $from could not be brought back: $1. Look at it on the host: cd $dir && docker compose logs quota-proxy;" \
    "the copy from before is ${copy:-none}, and docs/upgrade.md says how to restore it"
}

# The first release: there is nothing to go back to, and nothing is to be started again and again.
withdraw() {
  compose down >>"$log" 2>&1 || true
  docker image rm "$project:latest" >>"$log" 2>&1 || true
  rm -f releases/switching
  drop "$id"
  fail 1 "nothing ran before, so there is nothing to go back to; it is stopped. Mend what is said above ($dir/.env?)," \
    "and deploy again${copy:+. The database that was there is in $copy, too}"
}

# A switch that was cut off is brought to its end first.
settle() {
  local id_now=$id way
  [ -e releases/switching ] || return 0
  trap '' TERM HUP INT PIPE
  { read -r way && read -r from && read -r id && read -r schema && read -r copy; } <releases/switching
  say "An earlier run was cut off while it switched to release $id"
  # One that was given up already is not tried again.
  if [ "$way" = forth ] && [ -d "releases/$id" ] && put "$id" && start; then
    finish
  elif [ -n "$from" ]; then
    (roll_back) || [ $? = 1 ] || exit 3
  else
    (withdraw) || true
  fi
  id=$id_now
}
