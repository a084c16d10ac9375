#!/usr/bin/env bash
# The image of a release. What it does: scripts/image.sh --help, CONTRIBUTING.md.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/image.sh [--base IMAGE] [--unpinned] [--tag NAME] [--dry-run]

Builds the image of what is committed here, on a base image that is named by its digest, so that the same commit gives
the same program on the same system. Labels say of which commit and of when it is, and on which base.

  --base IMAGE  what it is built on (default: the Dockerfile's), with or without @sha256:…
  --unpinned    build also on a base image of which no registry has told a digest
  --tag NAME    what the image is called (default: quota-proxy:VERSION)
  --dry-run     say what would be built, and build nothing
  --help        this

Exit status: 0 done, 1 failed, 2 wrong usage.
EOF
}

fail() {
  echo "image.sh: $*" >&2
  exit 1
}

wrong_usage() {
  echo "image.sh: $*: scripts/image.sh --help shows what there is" >&2
  exit 2
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(sed -n 's/^ARG VERSION=//p' Dockerfile)
base=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
tag=quota-proxy:$version
unpinned=false
dry_run=false

while [ $# -gt 0 ]; do
  case $1 in
    --base=* | --tag=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    --base) base=${2:-} && shift $(($# > 1 ? 2 : 1)) ;;
    --tag) tag=${2:-} && shift $(($# > 1 ? 2 : 1)) ;;
    --unpinned) unpinned=true && shift ;;
    --dry-run) dry_run=true && shift ;;
    -h | --help) usage && exit 0 ;;
    *) wrong_usage "$1 is no option" ;;
  esac
done
[ -n "$base" ] || wrong_usage "--base needs an image"
[ -n "$tag" ] || wrong_usage "--tag needs a name"

revision=$(git rev-parse HEAD) || fail "this is no git clone, so no commit can be named: use docker build"
[ -z "$(git status --porcelain)" ] || fail "something here is not committed (git status shows it): commit it first"
created=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)

# What the registry says the tag is now.
digest_of() {
  docker pull --quiet "$1" >/dev/null 2>&1 || true
  docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$1" 2>/dev/null |
    sed -n '1s/.*@//p'
}

name=${base%@*}
case $base in
  *@*) digest=${base#*@} ;;
  *) digest=$(digest_of "$base") ;;
esac
labels=(
  --label "org.opencontainers.image.revision=$revision"
  --label "org.opencontainers.image.created=$created"
  --label "org.opencontainers.image.base.name=$name"
)
if [ -n "$digest" ]; then
  base=$name@$digest
  labels+=(--label "org.opencontainers.image.base.digest=$digest")
elif ! $unpinned; then
  fail "no registry has told a digest of $base: docker pull $base shows why; --unpinned builds on it all the same"
fi

if $dry_run; then
  echo "Would build $tag of $revision on $base"
  exit 0
fi
docker build --quiet --build-arg "NODE_IMAGE=$base" "${labels[@]}" --tag "$tag" .
echo "$tag: $revision on $base"
