#!/usr/bin/env bash
# Copies of the database in files, for those without S3. What it does: scripts/backup.sh --help, docs/backup.md.
set -euo pipefail
umask 077

SERVICE=quota-proxy
KEPT_MIN=3 # However old: one of them may be damaged where it lies.

usage() {
  cat <<'EOF'
Usage: scripts/backup.sh [--dir DIR] [--keep DAYS] [--project DIR] [--dry-run]

Makes a copy of the database beside the running server, which checks it, copies it out of the container, compares
its SHA-256, and keeps it as quota-<UTC time>.db with a .sha256 file beside it. Then, and only then, deletes copies
that are older than DAYS, but never the newest 3. Restore one as docs/backup.md says.

  --dir DIR       where to keep the copies (default: backups, beside docker-compose.yml)
  --keep DAYS     for how many days (default: 14)
  --project DIR   where docker-compose.yml is (default: the folder above this script's)
  --dry-run       say what would be done, and change nothing
  --help          this

The copies hold no key in full, and are not encrypted. The pepper and .env are not in them: keep those, too.
Exit status: 0 done, 1 failed, 2 wrong usage.
EOF
}

fail() {
  echo "backup.sh: $*" >&2
  exit 1
}

wrong_usage() {
  echo "backup.sh: $*: scripts/backup.sh --help shows what there is" >&2
  exit 2
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=
keep=14
dry_run=false

while [ $# -gt 0 ]; do
  case $1 in
    --dir=* | --keep=* | --project=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    --dir | --project)
      [ -n "${2:-}" ] || wrong_usage "$1 needs a folder"
      # What is given is meant from where the caller is.
      folder=$2
      [[ $folder == /* ]] || folder=$PWD/$folder
      if [ "$1" = --dir ]; then dir=$folder; else root=$folder; fi
      shift 2
      ;;
    --keep) keep=${2:-} && shift $(($# > 1 ? 2 : 1)) ;;
    --dry-run) dry_run=true && shift ;;
    -h | --help) usage && exit 0 ;;
    *) wrong_usage "$1 is no option" ;;
  esac
done
[[ $keep =~ ^[1-9][0-9]{0,4}$ ]] || wrong_usage "--keep needs a number of days from 1 to 99999"
dir=${dir:-$root/backups}

[ -f "$root/docker-compose.yml" ] || fail "there is no docker-compose.yml in $root: name its folder with --project"
cd "$root"
docker compose version >/dev/null 2>&1 || fail "docker compose is missing: install Docker with its Compose plugin"
container=$(docker compose ps --quiet --status running "$SERVICE") ||
  fail "docker compose cannot be asked (see above): run this as a user who may use Docker"
[ -n "$container" ] || fail "$SERVICE does not run in $root: start it with docker compose up -d --wait"

inside() {
  docker compose exec -T "$SERVICE" "$@" </dev/null
}

sha256_of() {
  sha256sum "$1" | cut -d ' ' -f 1
}

# The copies that are too old, of those there are and the one that is made now; nothing else in the folder is touched.
too_old() {
  local oldest_kept name names=("$1")
  oldest_kept=quota-$(date -u -d "@$(($(date +%s) - keep * 86400))" +%Y%m%dT%H%M%SZ).db
  for name in "$dir"/quota-*.db; do
    name=${name##*/}
    if [[ $name =~ ^quota-[0-9]{8}T[0-9]{6}Z\.db$ && $name != "$1" ]]; then names+=("$name"); fi
  done
  printf '%s\n' "${names[@]}" | LC_ALL=C sort -r | tail -n +$((KEPT_MIN + 1)) | while read -r name; do
    if [[ $name < $oldest_kept ]]; then echo "$name"; fi
  done
}

name=quota-$(date -u +%Y%m%dT%H%M%SZ).db
[ ! -e "$dir/$name" ] || fail "$dir/$name is there already: try again in a second"

if $dry_run; then
  echo "Would make $dir/$name"
  too_old "$name" | while read -r old; do echo "Would delete $dir/$old"; done
  exit 0
fi

mkdir -p "$dir" || fail "$dir cannot be made: name another folder with --dir"
draft=$(mktemp -d "$dir/.draft.XXXXXX") || fail "$dir cannot be written to: name another folder with --dir"
copy=/data/backup-sh-${name%.db}-$$.db
clean_up() {
  rm -rf "$draft"
  inside rm -f "$copy" >/dev/null 2>&1 || true
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# What a run that was killed left behind; no copy takes a day.
inside find /data -maxdepth 1 -name 'backup-sh-quota-*.db*' -mmin +1440 -delete || true

made=$(inside quota-proxy backup now --to "$copy" --json) ||
  fail "no copy was made (see above): nothing was changed or deleted"
sha256=$(sed -n 's/.*"sha256": *"\([0-9a-f]\{64\}\)".*/\1/p' <<<"$made")
bytes=$(sed -n 's/.*"bytes": *\([0-9]*\).*/\1/p' <<<"$made")
[ -n "$sha256" ] || fail "$SERVICE did not say the SHA-256 of the copy: is the image as new as this script?"

said=$(docker compose cp "$SERVICE:$copy" "$draft/$name" 2>&1) ||
  fail "the copy could not be brought out: $said"
found=$(sha256_of "$draft/$name")
[ "$found" = "$sha256" ] ||
  fail "the copy changed on its way: its SHA-256 is $found and should be $sha256. Nothing was kept or deleted; look at the disk of $dir"

chmod 600 "$draft/$name"
echo "$sha256  $name" >"$draft/$name.sha256"
sync "$draft/$name" "$draft/$name.sha256"
# The database last: where it is, its checksum is.
mv "$draft/$name.sha256" "$draft/$name" "$dir/"
sync "$dir"
echo "$dir/$name: $bytes bytes, SHA-256 $sha256"

too_old "$name" | while read -r old; do
  rm -f "$dir/$old" "$dir/$old.sha256"
  echo "Deleted $dir/$old"
done
