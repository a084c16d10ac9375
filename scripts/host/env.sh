#!/usr/bin/env bash
# Run on the host by scripts/deploy.sh: env.sh DIR. Writes .env from standard input, where there is none yet.
set -euo pipefail
umask 077

cd "$1"
if [ -e .env ]; then exit 0; fi
draft=$(mktemp .env.XXXXXX)
trap 'rm -f "$draft"' EXIT
sed '/^ADMIN_TOKEN=$/d' >"$draft"
# Made here, it never travels. Nor is it an argument of anything: echo is the shell's own.
grep -q '^ADMIN_TOKEN=.' "$draft" ||
  echo "ADMIN_TOKEN=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')" >>"$draft"
# Unlike mv, this never replaces what somebody wrote meanwhile.
ln "$draft" .env
