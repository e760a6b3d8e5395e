# Sourced by docker-test.sh: an engine where none runs, images where none can be
# pulled.

engine_pid=
engine_dir=
made_images=()

# docker ARGUMENT...: the client, which would wait for ever for an engine that hangs.
docker() { timeout --foreground --kill-after=10 900 docker "$@"; }

# ensure_engine DIR: a Docker engine answers afterwards.
ensure_engine() {
  local dir=$1 driver
  if docker info >/dev/null 2>&1; then return; fi
  local dockerd
  dockerd=$(PATH=$PATH:/usr/sbin command -v dockerd) || {
    echo "docker-test: no Docker engine answers and no dockerd is installed (Debian: apt-get install docker.io)" >&2
    exit 1
  }
  if [ "$(id -u)" -ne 0 ]; then
    echo "docker-test: no Docker engine answers; start one, or run this as root to have one started for the test" >&2
    exit 1
  fi
  engine_dir=$dir/engine
  mkdir -p "$engine_dir"
  export DOCKER_HOST=unix://$engine_dir/docker.sock
  unset DOCKER_CONTEXT
  # overlay2 where the kernel and the file system below allow it; vfs always works.
  for driver in overlay2 vfs; do
    "$dockerd" --host "$DOCKER_HOST" --data-root "$engine_dir/data" --exec-root "$engine_dir/exec" \
      --pidfile "$engine_dir/pid" --storage-driver $driver --iptables=false --ip6tables=false --bridge=none \
      --ip-forward=false --ip-masq=false >"$engine_dir/$driver.log" 2>&1 &
    engine_pid=$!
    local deadline=$((SECONDS + 60))
    while [ $SECONDS -lt $deadline ] && kill -0 "$engine_pid" 2>/dev/null; do
      if docker info >/dev/null 2>&1; then
        echo "docker-test: started a Docker engine for this test ($driver)"
        return
      fi
      sleep 0.2
    done
    stop_engine_process
  done
  echo "docker-test: the Docker engine does not start; the end of its log:" >&2
  tail -n 15 "$engine_dir/$driver.log" >&2
  exit 1
}

stop_engine_process() {
  if [ -z "$engine_pid" ]; then return; fi
  kill "$engine_pid" 2>/dev/null || true
  wait "$engine_pid" 2>/dev/null || true
  engine_pid=
}

# stop_engine stops the engine that ensure_engine started, if it did.
stop_engine() {
  if [ -z "$engine_dir" ]; then return; fi
  stop_engine_process
  # What a stopped engine may leave mounted keeps its directory from being removed.
  awk -v dir="$engine_dir/" 'index($2, dir) == 1 { print $2 }' /proc/self/mounts | sort -r |
    while read -r mount; do umount --lazy "$mount" || true; done
}

# ensure_image NAME FUNCTION: the image is there; FUNCTION makes it where it can't be pulled.
ensure_image() {
  local name=$1 make=$2 log
  if docker image inspect "$name" >/dev/null 2>&1; then return; fi
  if log=$(timeout 120 docker pull --quiet "$name" 2>&1); then return; fi
  echo "docker-test: can't pull $name (${log##*$'\n'}), making it from this machine"
  "$make" "$name"
  made_images+=("$name")
}

was_made() {
  local image
  for image in "${made_images[@]}"; do [ "$image" != "$1" ] || return 0; done
  return 1
}

# minimal_root DIR PROGRAM...: a root directory with these programs of this
# machine and the libraries that they need.
minimal_root() {
  local root=$1 program path file
  shift
  mkdir -p "$root"/{usr/bin,usr/lib,usr/lib64,etc/ssl/certs,proc,sys,dev}
  install -d -m 1777 "$root/tmp"
  ln -s usr/bin "$root/bin"
  ln -s usr/lib "$root/lib"
  ln -s usr/lib64 "$root/lib64"
  for program in "$@"; do
    path=$(command -v "$program") || {
      echo "docker-test: $program is needed to make an image from this machine, and is not installed" >&2
      exit 1
    }
    cp --dereference "$path" "$root/usr/bin/$program"
    # ldd prints "name => /path (address)" and "/loader (address)"; it fails for static programs.
    { ldd "$path" 2>/dev/null || true; } | grep -oE '/[^ ]+' | sort -u |
      while read -r file; do
        mkdir -p "$root/$(dirname "$file")"
        cp --dereference "$file" "$root/$file"
      done
  done
}

# make_go_image NAME: Go, make, a shell, and this project's modules, so that the
# build needs no network.
make_go_image() {
  local name=$1 root=$work/go-image goroot
  goroot=$(go env GOROOT)
  minimal_root "$root" bash sh make env cat date uname mkdir rm
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" || {
    echo "docker-test: the package ca-certificates is missing" >&2
    exit 1
  }
  mkdir -p "$root/usr/local/go" "$root/go" "$root/root"
  cp -r "$goroot"/{bin,pkg,src,lib,go.env,VERSION} "$root/usr/local/go/"
  # From this machine's module cache first, what it lacks from its usual proxy.
  GOFLAGS=-modcacherw GOMODCACHE=$root/go/pkg/mod GONOSUMDB='*' \
    GOPROXY="file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)" go mod download
  tar --create --directory "$root" . | docker import \
    --change 'ENV PATH=/usr/local/go/bin:/usr/bin GOPATH=/go GOTOOLCHAIN=local GOPROXY=off HOME=/root' \
    - "$name" >/dev/null
  rm -rf "$root"
}

# make_redis_image NAME: Debian's server and client, and the shell that the test uses.
make_redis_image() {
  local name=$1 root=$work/redis-image
  minimal_root "$root" redis-server redis-cli bash cat
  mkdir -p "$root/data"
  tar --create --directory "$root" . | docker import --change 'ENV PATH=/usr/bin' - "$name" >/dev/null
  rm -rf "$root"
}
