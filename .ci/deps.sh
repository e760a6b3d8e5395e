#!/bin/bash
# Installs the given Debian packages, those of them that this machine lacks:
#
#   .ci/deps.sh redis-server prometheus
#
# A program that is already there, from wherever, is left alone. Services that
# come with a package are not started: tests start servers of their own.
set -euo pipefail

# lacks PACKAGE: neither what we want of it nor the package itself is there.
lacks() {
  case $1 in
    redis-server) ! command -v redis-server ;;
    prometheus)   ! command -v promtool ;;
    gcc)          ! command -v "${CC:-gcc}" ;;
    libc6-dev)    [ ! -e /usr/include/stdlib.h ] ;;
    docker.io)    ! command -v dockerd ;;
    *)            ! command -v "$1" ;;
  esac >/dev/null && ! dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

missing=()
for package in "$@"; do
  if lacks "$package"; then missing+=("$package"); fi
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

by_hand="install by hand what these Debian packages bring, then try again: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "deps: this machine has no apt-get; $by_hand" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "deps: not root, and there is no sudo; $by_hand" >&2
    exit 1
  fi
  as_root=(sudo)
  # Never wait for a password that nobody is there to type.
  if [ ! -t 0 ]; then as_root+=(-n); fi
fi

echo "deps: installing ${missing[*]}"

# Debian starts a service as soon as it is installed, unless this file says no.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '"${as_root[@]}" rm -f $policy' EXIT
  trap 'exit 1' INT TERM
  "${as_root[@]}" install -m 0755 /dev/stdin $policy <<'POLICY'
#!/bin/sh
# Temporary: no service starts while the exporter's test dependencies are installed.
exit 101
POLICY
fi

install_missing() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install \
    --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}"
}

# A fresh machine has no package lists, an old one has stale ones: in both cases
# the first attempt fails and nothing is changed.
if ! install_missing; then
  echo "deps: fetching the package lists first"
  "${as_root[@]}" apt-get update --quiet
  install_missing
fi
