#!/usr/bin/env bash
# Run on the host by scripts/deploy.sh: keep.sh DIR NAME. Writes DIR/NAME from standard input, where there is none yet.
# Without secrets: the user of the container must be able to read it.
set -euo pipefail
umask 022

cd "$1"
if [ -e "$2" ]; then
  echo "Keeps $1/$2 as it is"
  exit 0
fi
draft=$(mktemp "$2.XXXXXX")
trap 'rm -f "$draft"' EXIT
cat >"$draft"
chmod 644 "$draft"
# Unlike mv, this never replaces what somebody wrote meanwhile.
ln "$draft" "$2"
echo "Writes $1/$2"
