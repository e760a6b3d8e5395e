// Package api is /api/v1 from both ends: the server of the fork records as JSON, the
// filter that its query is, and the client that asks a running exporter for them.
//
// The server renders copies of the history and nothing else.
package api
