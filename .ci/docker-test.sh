#!/bin/bash
# Builds the image and proves that its exporter follows a fork in another
# container: as the server's user and group, in its PID namespace, without any
# capability.
#
# Needs a Docker engine. Where none answers, one is started for this test if
# dockerd is installed and we are root. Where images can't be pulled, they are
# made from this machine's own Go installation and Debian packages. What was
# started and made is gone afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=.ci/docker-lib.sh
. .ci/docker-lib.sh

IMAGE=redis_fork_exporter:docker-test
GO_IMAGE=${GO_IMAGE:-$(sed -n 's/^ARG GO_IMAGE=//p' Dockerfile)}
REDIS_IMAGE=${REDIS_IMAGE:-redis:7-bookworm}
RUN=redis-fork-exporter-test-$$
# The uid and gid of the server, and so of the exporter. Nobody's in particular.
OWNER=4711:4712
PORT=10121

work=$(mktemp -d)
cleanup() {
  local status=$?
  set +e
  if [ $status -ne 0 ]; then
    for c in exporter redis; do
      echo "--- log of the $c container" >&2
      docker logs --tail 50 "$RUN-$c" >&2
    done
  fi
  docker rm --force --volumes "$RUN-exporter" "$RUN-redis" "$RUN-files" >/dev/null 2>&1
  for image in "$IMAGE" "$IMAGE-build" "${made_images[@]}"; do docker rmi --force "$image" >/dev/null 2>&1; done
  stop_engine
  rm -rf "$work"
  exit $status
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say() { echo "docker-test: $*"; }
fail() { say "FAILED: $*" >&2; exit 1; }

ensure_engine "$work"
ensure_image "$GO_IMAGE" make_go_image
ensure_image "$REDIS_IMAGE" make_redis_image

say "building $IMAGE"
# Made from this machine, the Go image brings the modules along and the build
# must not need a network; pulled, it fetches them as everybody's does.
build_network=default
if was_made "$GO_IMAGE"; then build_network=none; fi
build() {
  docker build --quiet --force-rm --network "$build_network" --build-arg GO_IMAGE="$GO_IMAGE" \
    --build-arg VERSION=docker-test "$@" . >/dev/null
}
# The first stage gets a name as well, so that it can be removed.
build --target build --tag "$IMAGE-build"
build --tag "$IMAGE"

say "looking at what is in the image"
user=$(docker image inspect --format '{{.Config.User}}' "$IMAGE")
[[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || fail "the image's user is '$user', want numbers other than root's"
docker create --network none --name "$RUN-files" "$IMAGE" >/dev/null
# The engine itself puts its mount points (/dev, /proc, /sys and four files) into
# every container.
docker export "$RUN-files" | tar --list |
  grep -vE '/$|^\.dockerenv$|^dev/console$|^etc/(hostname|hosts|resolv\.conf|mtab)$' | sort >"$work/files"
diff <(printf '%s\n' etc/ssl/certs/ca-certificates.crt redis_fork_exporter) "$work/files" ||
  fail "the image holds other files than the binary and the certificates"
docker run --rm --network none "$IMAGE" --version 2>&1 | grep -q 'version docker-test' ||
  fail "--version does not name the version that was built"

say "starting a server and the exporter as $OWNER"
harden=(--user "$OWNER" --cap-drop ALL --security-opt no-new-privileges --read-only)
docker run --detach --name "$RUN-redis" --network none "${harden[@]}" \
  --tmpfs "/data:uid=${OWNER%:*},gid=${OWNER#*:},mode=0700" --workdir /data --entrypoint redis-server \
  "$REDIS_IMAGE" --port 6379 --dir /data --save '' >/dev/null
docker run --detach --name "$RUN-exporter" --network "container:$RUN-redis" --pid "container:$RUN-redis" "${harden[@]}" \
  "$IMAGE" ${EXPORTER_ARGS:-} >/dev/null

redis() { docker exec "$RUN-redis" redis-cli "$@"; }
# From inside the server's network, so that no port is published and none can clash.
metrics() {
  docker exec "$RUN-redis" bash -c "
    exec 3<>/dev/tcp/127.0.0.1/$PORT &&
    printf 'GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3 && cat <&3" 2>/dev/null | tr -d '\r'
}
# value NAME [LABEL...] prints the value of the one series with these labels.
value() {
  local lines=$scrape name=$1 label
  lines=$(grep -E "^$name[{ ]" <<<"$lines" || true)
  shift
  for label in "$@"; do lines=$(grep -F "$label" <<<"$lines" || true); done
  awk '{ print $NF }' <<<"$lines"
}
# eventually NAME WANT [LABEL...] waits until the series has that value.
eventually() {
  local name=$1 want=$2 deadline=$((SECONDS + 30))
  shift 2
  until scrape=$(metrics) && [ "$(value "$name" "$@")" = "$want" ]; do
    [ $SECONDS -lt $deadline ] || fail "$name{$*} is '$(value "$name" "$@")' after 30 s, want $want"
    [ "$(docker inspect --format '{{.State.Running}}' "$RUN-exporter")" = true ] || fail "the exporter has ended"
    sleep 0.2
  done
  say "$name{$*} is $want"
}

scrape=
eventually redis_fork_up 1
eventually redis_fork_source_available 1 'source="process"'
eventually redis_fork_children_total 0 'kind="rdb"'

# 100 MB in 20,000 keys, and a pause after each key that is saved, so that the
# child lives for more than a second. A server without that setting ignores it.
redis eval 'for i = 1, 20000 do redis.call("SET", "key:" .. i, string.rep("x", 5000)) end' 0 >/dev/null
redis config set rdb-key-save-delay 20 >/dev/null
redis bgsave >/dev/null
eventually redis_fork_children_total 1 'kind="rdb"'
eventually redis_fork_last_success 1 'kind="rdb"'
eventually redis_fork_source_available 1 'source="child_smaps"'
peak=$(value redis_fork_last_private_dirty_peak_bytes 'kind="rdb"')
[ -n "$peak" ] || fail "no redis_fork_last_private_dirty_peak_bytes: the child's memory was not read"
say "the child's private dirty memory peaked at $peak bytes"
say "ok"
