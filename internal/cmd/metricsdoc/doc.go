// Command metricsdoc writes docs/metrics.md, made from the declarations in
// package collectors, to standard output. What is not in a declaration, the
// introduction and the queries, lives here.
package main
