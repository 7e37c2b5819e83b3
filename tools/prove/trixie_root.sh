#!/bin/bash
# Makes a Debian 13 with its RabbitMQ 4 in a folder, unless it is there already: trixie_root.sh <folder>
# Takes root. Nothing of it is started. WARREN_PROVE_MIRROR names another Debian mirror.
set -euo pipefail

readonly root=${1:?say which folder}
readonly log=$root.log

refuse() {
  printf 'prove: %s\n' "$*" >&2
  exit 2
}

# Processes that maintainer scripts leave behind, such as Erlang's epmd, end with this.
inside() { # <command...>
  unshare --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root" /usr/bin/env \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

if [ -e "$root/ready" ]; then exit 0; fi
[ "$(id -u)" -eq 0 ] || refuse 'this needs root: it builds a Debian in a folder'
if ! command -v debootstrap >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends debootstrap >"$log" 2>&1 || refuse 'install debootstrap first'
fi
printf 'prove: building %s\n' "$root"
rm -rf --one-file-system "$root"
debootstrap --variant=minbase trixie "$root" ${WARREN_PROVE_MIRROR:+"$WARREN_PROVE_MIRROR"} >"$log" 2>&1 || refuse "debootstrap failed; see $log"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
# Erlang looks up the name of its own machine.
printf '127.0.0.1 localhost %s\n' "$(hostname)" >"$root/etc/hosts"
inside sh -c 'apt-get update -qq && apt-get install -qq --yes --no-install-recommends rabbitmq-server && apt-get clean' >>"$log" 2>&1 ||
  refuse "RabbitMQ could not be installed; see $log"
touch "$root/ready"
