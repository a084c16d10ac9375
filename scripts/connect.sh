# shellcheck shell=bash
# shellcheck disable=SC2034 # CONNECT_HELP and taken are for whoever sources this.
# How deploy.sh and verify.sh reach the host: sourced by both, never run. Works in the bash 3.2 of macOS, too.

CONNECT_HELP='  --host HOST        address or name of the host, or one of ~/.ssh/config
  --local            this machine is the host: no ssh
  --user USER        who to be on the host: root, or somebody who may use Docker and owns the directory
  --port PORT        of ssh
  --ssh-key FILE     private key
  --ssh-option O     passed on as -o O, such as StrictHostKeyChecking=accept-new; may be given several times
  --dir DIR          where quota-proxy is on the host (default: /opt/quota-proxy)'

host=
here=false
dir=/opt/quota-proxy
ssh_options=(-o ConnectTimeout=15 -o ServerAliveInterval=15)
# How many arguments the option took that was read last.
taken=0

# Takes one of the options above from the arguments. Fails if the first of them is none.
connect_option() {
  taken=2
  case $1 in
    --host) host=${2:-} ;;
    --user) ssh_options+=(-l "${2:-}") ;;
    --port) ssh_options+=(-p "${2:-}") ;;
    --ssh-key) ssh_options+=(-o IdentitiesOnly=yes -i "${2:-}") ;;
    --ssh-option) ssh_options=(-o "${2:-}" "${ssh_options[@]}") ;;
    --dir) dir=${2:-} ;;
    --local) here=true && taken=1 && return ;;
    *) return 1 ;;
  esac
  [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
}

# All options are read: do they name a host and a directory, such that nothing needs quoting anywhere?
check_connection() {
  if $here; then
    [ -z "$host" ] || wrong_usage "--host and --local are one too many"
  else
    [ -n "$host" ] || wrong_usage "--host is missing (or --local, where this machine is the host)"
    [[ $host =~ ^[A-Za-z0-9_.:%@][A-Za-z0-9_.:%@-]*$ ]] || wrong_usage "--host $host is no name of a host"
  fi
  [[ $dir =~ ^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$ ]] ||
    wrong_usage "--dir $dir: an absolute path is needed, of letters, digits, dots, - and _, such as /opt/quota-proxy"
}

# Runs a command line on the host, by a shell there. Standard input is handed on.
on_host() {
  if $here; then bash -c "$*"; else ssh "${ssh_options[@]}" -- "$host" "$*"; fi
}

host_name() {
  if $here; then echo "this machine"; else echo "$host"; fi
}

# What an exit status of on_host means that is not the command's own; nothing if it is.
connection_trouble() {
  if $here; then return; fi
  case $1 in
    255) echo "ssh does not get to $host (see above): try ssh $host, and look at --user, --port, --ssh-key and known_hosts" ;;
    127) echo "there is no bash on $host: install it" ;;
  esac
}
