# shellcheck shell=bash
# The backup before a switch: sourced by release.sh, whose names it uses.
# shellcheck disable=SC2154,SC2034

schema_version() {
  # shellcheck disable=SC2016 # The container's own.
  inside sh -c 'sqlite3 "$STORE_PATH" "PRAGMA user_version"' 2>>"$log" | tr -d '\r\n'
}

# Into the vault, if there is one; into a file in any case. Sets $copy, that file, and $schema, the version of its
# tables. Both stay empty where there is no database yet. Fails, with $why, if there is a database and no copy.
back_up() {
  copy='' schema='' why="the database could not be backed up"
  # shellcheck disable=SC2016
  inside sh -c '[ -s "$STORE_PATH" ]' >>"$log" 2>&1 || return 0
  say "Backs up"
  schema=$(schema_version) || schema=
  if is_running; then copy_running || return; else copy_stopped || return; fi
  if [ -z "$schema" ] || [ ! -s "$copy" ]; then return 1; fi
  say "  $copy"
}

copy_running() {
  # shellcheck disable=SC2016
  if inside sh -c '[ -n "$BACKUP_TARGET" ]' && ! heard inside quota-proxy backup now; then
    say "  warning: BACKUP_TARGET took no backup (see $dir/$log on the host); there is the copy in a file all the same"
  fi
  heard bash "$here/backup.sh" --project "$dir" --dir "$dir/backups" || return
  copy=$(sed -n 's/^\(.*\.db\): [0-9]* bytes, SHA-256 .*/\1/p' "$log" | tail -n 1)
}

copy_stopped() {
  local sha256 file
  file=$dir/backups/quota-$(date -u +%Y%m%dT%H%M%SZ).db
  rm -f backups/*.draft
  # shellcheck disable=SC2016
  (umask 077 && mkdir -p backups && inside sh -c 'f=/data/stopped.db; rm -f "$f"
    quota-proxy backup now --to "$f" --json >&2 && cat "$f"; s=$?; rm -f "$f"; exit "$s"' >"$file.draft" 2>>"$log") ||
    return
  sha256=$(sha256sum "$file.draft" | cut -d ' ' -f 1)
  grep -q "\"sha256\": *\"$sha256\"" "$log" || return
  (umask 077 && echo "$sha256  ${file##*/}" >"$file.sha256")
  sync "$file.draft" "$file.sha256"
  mv "$file.draft" "$file"
  copy=$file
}

# Puts $copy in the place of the database; the server is stopped.
restore_copy() {
  local file=/data/restore-$id.db
  say "  restores $copy"
  # shellcheck disable=SC2016
  docker compose run --rm --no-deps -T "$SERVICE" sh -c 'cat >"$0"' "$file" <"$copy" >>"$log" 2>&1 9>&- &&
    compose run --rm --no-deps -T "$SERVICE" quota-proxy restore --from "$file" --force --json >>"$log" 2>&1 &&
    compose run --rm --no-deps -T "$SERVICE" rm "$file" >>"$log" 2>&1
}
