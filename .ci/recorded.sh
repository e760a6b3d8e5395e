#!/bin/bash
# Makes anew what is recorded of real forks and checked in:
#
#   dashboards/testdata/run.om.gz   what a Prometheus had of a primary and its replica,
#                                   on which the dashboards' tests evaluate every expression
#   docs/img/*.png                  the exporter's pages and the chart of one fork, of 1 GB
#
# Both show what delay accounting tells, so it needs root, which switches that on for as
# long as it takes (six minutes). Look at the pictures before you commit them.
set -euo pipefail

accounting=/proc/sys/kernel/task_delayacct
before=$(cat $accounting)
trap 'echo "$before" >$accounting' EXIT
trap 'exit 1' INT TERM
echo 1 >$accounting

work=$(mktemp -d)
trap 'rm -rf "$work"; echo "$before" >$accounting' EXIT
go build -o "$work/demo" ./internal/cmd/demo

# The children live longer than the time between two scrapes, so that each kind is seen
# alive; before the first fork there are some scrapes of servers that never forked.
"$work/demo" --listen=127.0.0.1:10188 --prometheus=127.0.0.1:10189 --scrape-interval=5s \
  --keys=1600000 --rate=5000 --quiet=25s --pause=10s --for=210s --record=dashboards/testdata/run.om.gz

"$work/demo" --listen=127.0.0.1:10188 --keys=2000000 --rate=12000 --pause=10s --for=175s --pictures=docs/img
