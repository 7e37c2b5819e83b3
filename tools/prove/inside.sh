#!/bin/bash
# Runs inside the root that prove_bare_machine.sh built: one scenario, as root, in a network of its own.
# Usage: inside.sh <bare|local|urls> <full|none|patterns of test files>
set -euo pipefail

scenario=$1
tests=$2
folder="/home/a player/warren"
standard_ports='4369 5672 15672 25672 5432 6379'

say() { printf '%s: %s\n' "$scenario" "$*"; }

# The standard ports that something listens on. Ports are hexadecimal in /proc/net/tcp, and 0A is the state LISTEN.
listening() {
  local port
  for port in $standard_ports; do
    # No pipe: with pipefail it would fail whenever grep leaves before its source is through.
    if grep -Eqis "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$port") [0-9A-F]+:[0-9A-F]+ 0A " /proc/net/tcp /proc/net/tcp6; then
      printf '%s ' "$port"
    fi
  done
}

wait_for() { # <what> <command...>
  local what=$1 i
  shift
  for ((i = 0; i < 120; i++)); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.5
  done
  say "$what did not start" >&2
  exit 1
}

start_rabbitmq() { # <port>
  su -s /bin/sh rabbitmq -c "RABBITMQ_NODE_PORT=$1 exec rabbitmq-server -detached"
  wait_for rabbitmq rabbitmqctl --quiet await_startup --timeout 5
}

start_standard_servers() {
  start_rabbitmq 5672
  /etc/init.d/postgresql start >/dev/null
  wait_for postgres su -s /bin/sh postgres -c 'psql -c "select 1"'
  /etc/init.d/redis-server start >/dev/null
  wait_for redis redis-cli ping
}

start_servers_elsewhere() {
  start_rabbitmq 15673
  local password=elsewhere-4711
  install -m 600 -o postgres /dev/null /tmp/password
  printf '%s' "$password" >/tmp/password
  pg_createcluster --port 15432 15 elsewhere -- --auth-host=scram-sha-256 --pwfile=/tmp/password >/dev/null
  pg_ctlcluster 15 elsewhere start
  redis-server --port 16379 --requirepass "$password" --save '' --daemonize yes >/dev/null
  wait_for redis redis-cli -p 16379 -a "$password" --no-auth-warning ping
  export RABBITMQ_URL=amqp://guest:guest@127.0.0.1:15673
  export DATABASE_URL=postgres://postgres:$password@127.0.0.1:15432/postgres
  export REDIS_URL=redis://:$password@127.0.0.1:16379
}

# Runs a command, shows its output with the seconds since its begin, and fails as it fails.
run_timed() { # <title> <command...>
  local title=$1 begin=$SECONDS code=0
  shift
  "$@" </dev/null 2>&1 | tee /tmp/output || code=$?
  took=$((SECONDS - begin))
  say "$title: exit $code after $took s"
  if [ "$code" -ne 0 ]; then exit 1; fi
}

expect() { # <pattern> <how often>
  local found
  found=$(grep -Ec "$1" /tmp/output || true)
  if [ "$found" -ne "$2" ]; then
    say "expected $2 lines of the form $1, found $found" >&2
    exit 1
  fi
}

case $scenario in
  bare) step=4 ;;
  local) step=2 && start_standard_servers ;;
  urls) step=1 && start_servers_elsewhere ;;
esac

say "node $(node --version), npm $(npm --version), git $(git --version | cut -d' ' -f3)"
before=$(listening)
say "standard ports in use before: ${before:-none}"
begin=$SECONDS
mkdir -p "$(dirname "$folder")"
git clone --quiet /srv/warren.git "$folder"
cd "$folder"

run_timed 'npm start -- --once, the first time' node tools/prove/measure_stack.mjs npm start -- --once
first=$((SECONDS - begin))
expect "^\[ *[0-9.]+s\] (rabbitmq|postgres|redis): step $step," 3
expect '^match\.ended game=[^ ]+ winner=[^ ]+ trace=[0-9a-f]{32}$' 1
decisions=$(grep -E '^\[ *[0-9.]+s\] (rabbitmq|postgres|redis): step' /tmp/output)
measures=$(grep '^measure: ' /tmp/output)
run_timed 'npm start -- --once, the second time' npm start -- --once
second=$took
expect '^match\.ended ' 1
test_result='not run'
if [ "$tests" != none ]; then
  patterns=()
  if [ "$tests" != full ]; then read -ra patterns <<<"-- $tests"; fi
  run_timed "npm test (${tests})" npm test "${patterns[@]}"
  expect '^[1-9][0-9]* passed, 0 failed$' 1
  test_result="$(tail -n 1 /tmp/output) in $took s"
fi
npm stop
after=$(listening)
say "standard ports in use afterwards: ${after:-none}"
if [ "$before" != "$after" ]; then
  say 'the standard ports are not as they were before' >&2
  exit 1
fi
if [ -n "$(git status --porcelain)" ]; then
  say 'git status is not clean afterwards' >&2
  exit 1
fi
{
  say "first match ended and all stopped $first s after the clone began; second run $second s; tests: $test_result"
  printf '%s\n' "$decisions" "$measures"
} | tee /root/result
