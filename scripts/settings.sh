# shellcheck shell=bash
# What a first .env on the host says, and the files that it names: sourced by deploy.sh, whose names it uses. Works in the
# bash 3.2 of macOS, too.
# shellcheck disable=SC2154

# Where the container finds them; beside .env on the host they have the same names.
IN_CONTAINER=/etc/quota-proxy
SETTINGS_FILES='UPSTREAMS_FILE:upstreams.json PRICES_FILE:prices.json'

# The file of --env-file as Compose would read it, each setting as NAME=VALUE: there may be a byte order mark, line ends of
# Windows, `export`, blanks, and quotes around nothing.
written() {
  local name='[[:blank:]]*(export[[:blank:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:blank:]]*'
  tr -d '\r' <"$env_file" | LC_ALL=C sed -E -e "1s/^$(printf '\357\273\277')//" \
    -e "s/^$name=[[:blank:]]*(\"\"|'')?([[:blank:]]+#.*|[[:blank:]]*)\$/\2=/" -e "s/^$name=[[:blank:]]*/\2=/"
}

# What is set here, before anything is made of it.
given() {
  if [ -n "$env_file" ]; then written; else echo "UPSTREAMS_FILE=${UPSTREAMS_FILE:-}"; fi
}

# Without its quotes, or without the comment behind it.
value_of() {
  given | sed -n "s/^$1=//p" | tail -n 1 |
    sed -E -e "s/^(\"[^\"]*\"|'[^']*'|[^\"'].*)[[:blank:]]+#.*/\1/" -e 's/[[:blank:]]+$//' -e "s/^([\"'])(.*)\1\$/\2/"
}

# Where the file is here that a setting names; nothing where that is a path in the container alone.
file_here() {
  local named base=. each
  named=$(value_of "$1")
  [ -n "$named" ] || return 0
  if [ -n "$env_file" ]; then base=$(dirname "$env_file"); fi
  case $named in /*) ;; *) named=$base/$named ;; esac
  for each in "$named" "$base/${named##*/}"; do
    if [ -f "$each" ]; then echo "$each" && return; fi
  done
}

# What its upstreams have as $1, where that is like $2.
of_upstreams() {
  local file
  file=$(file_here UPSTREAMS_FILE)
  [ -n "$file" ] || return 0
  tr '\n' ' ' <"$file" | tr ',{}' '\n' | sed -n "s/^ *\"$1\" *: *\"\($2\)\".*/\1/p" | LC_ALL=C sort -u
}

# The variables that hold the keys of its upstreams.
key_names() { of_upstreams api_key_env '[A-Za-z_][A-Za-z0-9_]*'; }

# Of a first .env. Only for standard input of the host: secrets are no arguments.
settings() {
  local each paths=() name
  if [ -n "$env_file" ]; then
    for each in $SETTINGS_FILES; do
      if [ -n "$(file_here "${each%:*}")" ]; then paths+=(-e "s|^${each%:*}=.*|${each%:*}=$IN_CONTAINER/${each#*:}|"); fi
    done
    { written | grep -Ev '^(UPSTREAM|DEEPSEEK)_API_KEY=$' || true; } | sed -e '' ${paths[@]+"${paths[@]}"}
    if [ -n "$(value_of UPSTREAMS_FILE)" ] || written | grep -E '^(UPSTREAM|DEEPSEEK)_API_KEY=.' >/dev/null; then return; fi
  elif [ -n "${UPSTREAMS_FILE:-}" ]; then
    echo "UPSTREAMS_FILE=$IN_CONTAINER/upstreams.json"
    for name in $(key_names); do echo "$name=${!name:-}"; done
    return
  fi
  echo "UPSTREAM_API_KEY=${UPSTREAM_API_KEY:-}"
  if [ -z "$env_file" ] && [ -n "${UPSTREAM_BASE_URL:-}" ]; then echo "UPSTREAM_BASE_URL=$UPSTREAM_BASE_URL"; fi
}

check_settings() {
  # Others would be read by Compose otherwise than they are written.
  local plain='^[A-Za-z0-9._~+/=:@%?&-]*$' each name
  [[ ${UPSTREAM_API_KEY:-}${UPSTREAM_BASE_URL:-} =~ $plain ]] ||
    fail "UPSTREAM_API_KEY or UPSTREAM_BASE_URL has characters that need quotes in .env: write them into a file, and use --env-file"
  for each in $SETTINGS_FILES; do
    name=${each%:*}
    if [ -n "$(file_here "$name")" ]; then continue; fi
    case $(value_of "$name") in
      '') ;;
      /*) [ -n "$env_file" ] || fail "UPSTREAMS_FILE is $UPSTREAMS_FILE, and there is no such file here" ;;
      *) fail "$name is $(value_of "$name"), and there is no such file${env_file:+ beside $env_file}: put it there" ;;
    esac
  done
  if [ -n "$(value_of UPSTREAMS_FILE)" ]; then check_upstreams && return; fi
  settings | grep -E '^(UPSTREAM|DEEPSEEK)_API_KEY=.' >/dev/null ||
    fail "there is no $dir/.env on $(host_name) yet, and no UPSTREAM_API_KEY for it: export UPSTREAM_API_KEY=…, or use" \
      "--env-file (several upstreams: UPSTREAMS_FILE in it)"
}

# Better said now than by a server that does not start.
check_upstreams() {
  local name value plain='^[A-Za-z0-9._~+/=:@%?&-]*$'
  if settings | grep -E '^(UPSTREAM|DEEPSEEK)_(API_KEY|BASE_URL)=.' >/dev/null; then
    fail "UPSTREAMS_FILE and UPSTREAM_API_KEY or UPSTREAM_BASE_URL are set: take one of them out of $env_file"
  fi
  for name in $(key_names); do
    value=$(settings | sed -n "s/^$name=//p" | tail -n 1)
    [ -n "$value" ] ||
      fail "$(file_here UPSTREAMS_FILE) has a key in $name, which is not set: put it into ${env_file:-your environment}"
    [ -n "$env_file" ] || [[ $value =~ $plain ]] ||
      fail "$name has characters that need quotes in .env: write it into a file, and use --env-file"
  done
  while IFS= read -r value; do
    # One that is not here is a path in the container alone.
    case $value in '') continue ;; /*) [ -f "$value" ] || continue ;; esac
    fail "$(file_here UPSTREAMS_FILE) has a key in the file $value, which does not go along: name a variable in api_key_env" \
      "instead of api_key_file, and put the key into ${env_file:-your environment}"
  done <<<"$(of_upstreams api_key_file '[^"]*')"
}

# What Compose must know of these files; nothing if there are none.
override() {
  local each name mounts=
  for each in $SETTINGS_FILES; do
    if [ -n "$(file_here "${each%:*}")" ]; then mounts="$mounts ${each#*:}"; fi
  done
  [ -n "$mounts" ] || return 0
  echo "# Made by scripts/deploy.sh for the files that .env names, and yours from now on: it is not touched again."
  printf 'services:\n  quota-proxy:\n'
  if [ -n "$(key_names)" ]; then echo "    environment:"; fi
  for name in $(key_names); do echo "      $name:"; done
  echo "    volumes:"
  for each in $mounts; do echo "      - ./$each:$IN_CONTAINER/$each:ro"; done
}
