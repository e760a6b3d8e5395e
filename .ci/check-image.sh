#!/bin/bash
# Builds what the Dockerfile builds, by its own command, from nothing but the
# files that .dockerignore lets into the image's context, and fails if that is
# not the very program that is built here. So neither a source file nor an
# embedded one can be missing from the image. Needs no Docker engine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

say() { echo "check-image: $*"; }
fail() { say "FAILED: $*" >&2; exit 1; }

build=$(sed -n 's/^RUN \(make build .*\)/\1/p' Dockerfile)
[ -n "$build" ] || fail "the Dockerfile has no line 'RUN make build …'"

mkdir "$work/src"
(cd tools && GOFLAGS=-mod=readonly go build -o "$work/dockercontext" ./dockercontext)
"$work/dockercontext" . >"$work/context"
tar --create --null --files-from "$work/context" | tar --extract --directory "$work/src"

# What the Dockerfile's ARGs say: the same for both programs, so that they can be
# compared byte by byte.
export VERSION=check-image REVISION=none BRANCH=none BUILD_DATE=none
say "building from the $(tr -dc '\0' <"$work/context" | wc -c) files of the image's context"
(cd "$work/src" && bash -euo pipefail -c "$build") ||
  fail "the files of the image's context do not build; does .dockerignore keep one out that is needed?"
eval "$build BINARY='$work/here'"
cmp "$work/src/redis_fork_exporter" "$work/here" ||
  fail "the image's program is another than this tree's; does .dockerignore keep out a file that is embedded?"
"$work/here" --version 2>&1 | grep -q 'version check-image' || fail "--version does not name the version that was built"
say "ok"
