package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/redis-fork-exporter/redis_fork_exporter/internal/fork"
)

// mostBytes is more than the largest answer: 200 forks of 600 points per line and
// server make some 15 MB.
const mostBytes = 256 << 20

// Client asks one exporter.
type Client struct{ forks string }

// NewClient returns a client of the exporter whose start page has the URL base.
func NewClient(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("not the URL of an exporter's start page, such as http://localhost:10121")
	}
	return &Client{forks: u.JoinPath("api/v1/forks").String()}, nil
}

// Forks returns all forks that the exporter remembers, of all its servers, newest first.
func (c *Client) Forks(ctx context.Context) ([]fork.Record, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.forks, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err // it names the URL, without a password
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", req.URL.Redacted(), resp.Status)
	}
	var body list
	if err := json.NewDecoder(io.LimitReader(resp.Body, mostBytes)).Decode(&body); err != nil {
		return nil, fmt.Errorf("%s answers with no list of forks: %w", req.URL.Redacted(), err)
	}
	if body.Forks == nil {
		return nil, fmt.Errorf("%s answers with no list of forks", req.URL.Redacted())
	}
	return body.Forks, nil
}
