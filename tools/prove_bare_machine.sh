#!/bin/bash
# Proves that the two commands work on a machine with only Node 20, npm and git. Run as root on Debian or Ubuntu:
#   tools/prove_bare_machine.sh [--scenario bare|local|urls] [--tests full|none|<patterns>] [--keep]
# Builds a Debian bookworm root in a folder (WARREN_PROVE_DIR, by default /var/tmp/warren-prove; kept for the next time),
# clones HEAD of this repository into it and runs `npm start -- --once` twice and `npm test` there. Scenarios:
#   bare   nothing is installed; the match must end within nine minutes
#   local  RabbitMQ, Postgres and Redis of Debian run on their standard ports
#   urls   they run on other ports and are given by URL
# Each scenario has a root, a process namespace and a network namespace of its own: the servers of this host cannot be
# seen from there. Packages come through a relay on this host. WARREN_PROVE_MIRROR names another Debian mirror.
set -euo pipefail

readonly suite=bookworm
readonly limit_s=540
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly repo
readonly dir=${WARREN_PROVE_DIR:-/var/tmp/warren-prove}
# Two proofs on one host must not meet.
readonly name=wp$$
readonly subnet=10.213.$(($$ % 250))
scenarios=()
tests=full
keep=no
relay=

say() { printf 'prove: %s\n' "$*"; }
refuse() {
  printf 'prove: %s\n' "$*" >&2
  exit 2
}

parse() {
  while [ $# -gt 0 ]; do
    case $1 in
      --scenario) scenarios+=("${2:?--scenario needs a name}") && shift 2 ;;
      --tests) tests=${2:?--tests needs full, none or a pattern} && shift 2 ;;
      --keep) keep=yes && shift ;;
      *) refuse "unknown argument $1; usage: prove_bare_machine.sh [--scenario bare|local|urls] [--tests full|none|<patterns>] [--keep]" ;;
    esac
  done
  if [ ${#scenarios[@]} -eq 0 ]; then scenarios=(bare local urls); fi
  local scenario
  for scenario in "${scenarios[@]}"; do
    case $scenario in bare | local | urls) ;; *) refuse "there is no scenario $scenario" ;; esac
  done
}

require_host() {
  [ "$(id -u)" -eq 0 ] || refuse 'this needs root: it builds a Debian root and gives it a network of its own'
  local program missing=()
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  command -v ip >/dev/null || missing+=(iproute2)
  if [ ${#missing[@]} -gt 0 ]; then
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null ||
      refuse "install ${missing[*]} first"
  fi
  for program in node npm git unshare chroot; do
    command -v "$program" >/dev/null || refuse "$program is missing on this host"
  done
}

# Undoes what this run made, in reverse, whatever happened.
clean_up() {
  local code=$?
  trap - EXIT
  if [ -n "$relay" ]; then kill "$relay" 2>/dev/null || true; fi
  ip netns delete "$name" 2>/dev/null || true
  if [ "$keep" = no ]; then rm -rf --one-file-system "$dir/run-$name"; else say "kept: $dir/run-$name"; fi
  exit "$code"
}

open_network() {
  ip netns add "$name"
  ip link add "${name}h" type veth peer name "${name}i" netns "$name"
  ip address add "$subnet.1/30" dev "${name}h"
  ip link set "${name}h" up
  ip -n "$name" address add "$subnet.2/30" dev "${name}i"
  ip -n "$name" link set "${name}i" up
  ip -n "$name" link set lo up
  mkdir -p "$dir/run-$name"
  node "$repo/tools/prove/relay.mjs" "$subnet.1" "$dir/run-$name/relay.port" &
  relay=$!
  local i
  for ((i = 0; i < 100; i++)); do
    if [ -s "$dir/run-$name/relay.port" ]; then
      proxy=http://$subnet.1:$(cat "$dir/run-$name/relay.port")
      return
    fi
    sleep 0.1
  done
  refuse 'the relay did not start'
}

# A command in a root, with its own processes (all of them end with it) and without the network and environment of this host.
inside() { # <root> <command...>
  local root=$1
  shift
  ip netns exec "$name" unshare --mount --pid --uts --ipc --fork --kill-child bash -c '
    set -e
    root=$1 && shift
    hostname bare-machine
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    # A machine has pseudo terminals; the root of debootstrap has none.
    mkdir -p "$root/dev/pts"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
    ln -sf pts/ptmx "$root/dev/ptmx"
    # The shell stays as process 1 and reaps whom nobody waits for.
    chroot "$root" "$@"
    exit $?' bash "$root" /usr/bin/env -i \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
    http_proxy="$proxy" https_proxy="$proxy" HTTP_PROXY="$proxy" HTTPS_PROXY="$proxy" \
    no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$@" </dev/null
}

# Node 20 and npm from their packages, as any archive would bring them.
add_node() { # <root>
  local root=$1 arch package version file work
  case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) refuse "no Node package for $(uname -m)" ;; esac
  work=$(mktemp -d -p "$dir/run-$name")
  package=node-linux-$arch
  version=$(cd "$work" && npm view "$package@20" version --json 2>/dev/null | grep -Eo '20\.[0-9]+\.[0-9]+' | sort -V | tail -n 1)
  for package in "$package@$version" npm@10; do
    file=$(cd "$work" && npm pack --silent "$package" 2>/dev/null | tail -n 1)
    case $package in
      npm@*) mkdir -p "$root/usr/local/lib/node_modules/npm" && tar -xzf "$work/$file" --strip-components=1 -C "$root/usr/local/lib/node_modules/npm" ;;
      *) tar -xzf "$work/$file" --strip-components=1 -C "$root/usr/local" package/bin ;;
    esac
  done
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  chmod +x "$root/usr/local/bin/node" "$root/usr/local/lib/node_modules/npm/bin/npm-cli.js"
  # Where this host gets packages from, the machine inside does too.
  printf 'registry=%s\ncafile=/etc/ssl/certs/ca-certificates.crt\n' "$(cd "$work" && npm config get registry 2>/dev/null)" >"$root/root/.npmrc"
}

# The plain root: Debian's smallest, git, Node 20, npm. Made once.
plain_root() {
  local root=$dir/plain-$suite
  if [ -e "$root/ready" ]; then return; fi
  say "building $root"
  rm -rf --one-file-system "$root"
  mkdir -p "$dir"
  debootstrap --variant=minbase --include=git,ca-certificates "$suite" "$root" ${WARREN_PROVE_MIRROR:+"$WARREN_PROVE_MIRROR"} >"$dir/debootstrap.log" ||
    refuse "debootstrap failed; see $dir/debootstrap.log"
  printf '127.0.0.1 localhost bare-machine\n' >"$root/etc/hosts"
  printf 'bare-machine\n' >"$root/etc/hostname"
  # Authorities that this host trusts, its own among them.
  if [ -s /etc/ssl/certs/ca-certificates.crt ]; then cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"; fi
  add_node "$root"
  touch "$root/ready"
}

# The plain root with the three servers of Debian, none of them started. Made once.
root_with_servers() {
  local root=$dir/servers-$suite
  if [ -e "$root/ready" ]; then return; fi
  say "building $root"
  rm -rf --one-file-system "$root"
  cp -a "$dir/plain-$suite" "$root"
  rm "$root/ready"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  inside "$root" bash -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends rabbitmq-server postgresql redis-server' >"$dir/servers.log" 2>&1 ||
    refuse "the servers could not be installed; see $dir/servers.log"
  rm "$root/usr/sbin/policy-rc.d"
  touch "$root/ready"
}

run_scenario() { # <scenario>
  local scenario=$1 root=$dir/run-$name/$1 from=$dir/plain-$suite begin took
  if [ "$scenario" != bare ]; then
    root_with_servers
    from=$dir/servers-$suite
  fi
  cp -a "$from" "$root"
  printf 'Acquire::http::Proxy "%s";\nAcquire::https::Proxy "%s";\n' "$proxy" "$proxy" >"$root/etc/apt/apt.conf.d/80relay"
  git clone --quiet --bare --no-hardlinks "$repo" "$root/srv/warren.git"
  install -m 755 "$repo/tools/prove/inside.sh" "$root/root/inside.sh"
  begin=$SECONDS
  inside "$root" /root/inside.sh "$scenario" "$tests" || {
    say "$scenario: FAILED"
    keep=yes
    return 1
  }
  took=$(grep -Eo 'stopped [0-9]+ s after' "$root/root/result" | grep -Eo '[0-9]+')
  if [ "$scenario" = bare ] && [ "$took" -gt "$limit_s" ]; then
    say "$scenario: the first match took $took s, more than $limit_s s"
    return 1
  fi
  cat "$root/root/result" >>"$dir/run-$name/results"
  say "$scenario: passed in $((SECONDS - begin)) s"
  if [ "$keep" = no ]; then rm -rf --one-file-system "$root"; fi
}

main() {
  parse "$@"
  require_host
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  open_network
  plain_root
  local scenario
  for scenario in "${scenarios[@]}"; do run_scenario "$scenario"; done
  say "all passed at $(git -C "$repo" rev-parse --short HEAD):"
  cat "$dir/run-$name/results"
}

main "$@"
