# The exporter alone: one static binary and the certificates of public CAs (for
# servers that are reached by TLS). No shell, no libraries.
#
# To read how much memory a fork copies, the exporter has to see the server's
# processes and to run as the server's own user and group:
#
#   docker run --pid=container:redis --network=container:redis --user 999:1000 ...
#
# 999:1000 is an example. What a server runs as, tells
#
#   docker exec redis grep -E '^(Uid|Gid)' /proc/1/status
#
# It needs no capabilities: --cap-drop=ALL --security-opt=no-new-privileges
# --read-only are fine.

ARG GO_IMAGE=golang:1.26-bookworm

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# There is no repository in the build's context to ask for these; `make docker`
# passes them. Without a VERSION, that of the file VERSION counts.
ARG VERSION
ARG REVISION=unknown
ARG BRANCH=unknown
ARG BUILD_DATE=unknown
RUN make build ${VERSION:+VERSION="$VERSION"} REVISION="$REVISION" BRANCH="$BRANCH" BUILD_DATE="$BUILD_DATE"

FROM scratch
ARG VERSION
ARG REVISION=unknown
LABEL org.opencontainers.image.title="redis_fork_exporter" \
      org.opencontainers.image.description="Prometheus exporter that follows every fork of a Redis-compatible server" \
      org.opencontainers.image.source="https://github.com/redis-fork-exporter/redis_fork_exporter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/redis_fork_exporter /redis_fork_exporter
# By number: there is no /etc/passwd here, and Kubernetes' runAsNonRoot wants one.
USER 65534:65534
EXPOSE 10121
ENTRYPOINT ["/redis_fork_exporter"]
