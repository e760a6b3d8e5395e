// Command dashboards writes the Grafana dashboards into the directory that is
// its argument: "go generate ./dashboards" calls it.
//
// A panel is a few lines here and eighty of JSON there. Places and numbers of
// panels follow from their order, so that nothing can overlap, and what all
// expressions have in common, the filter by job, instance and server above all,
// is said once. What is written is plain classic JSON that Grafana itself could
// have saved; the tests in dashboards/ look at that, not at this program.
package main
