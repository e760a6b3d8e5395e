package dashboards_test

import "testing"

const provisioning = "../deploy/grafana/provisioning/"

// Grafana logs what it does not understand of a provisioning file and goes on: here
// it is an error.
func TestProvisioning(t *testing.T) {
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name      string
			UID       string
			Type      string
			Access    string
			URL       string
			IsDefault bool `yaml:"isDefault"`
			JSONData  struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	decodeYAML(t, provisioning+"datasources/prometheus.yaml", &sources)
	if s := sources.Datasources; sources.APIVersion != 1 || len(s) != 1 || s[0].Type != "prometheus" || s[0].URL != "${PROMETHEUS_URL}" {
		t.Errorf("data sources: %+v", sources)
	}

	var providers struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name                  string
			Folder                string
			Type                  string
			AllowUIUpdates        bool `yaml:"allowUiUpdates"`
			UpdateIntervalSeconds int  `yaml:"updateIntervalSeconds"`
			Options               struct{ Path string }
		}
	}
	decodeYAML(t, provisioning+"dashboards/redis-fork.yaml", &providers)
	if p := providers.Providers; providers.APIVersion != 1 || len(p) != 1 || p[0].Type != "file" || p[0].AllowUIUpdates || p[0].Options.Path != "${REDIS_FORK_DASHBOARDS}" {
		t.Errorf("providers: %+v", providers)
	}
}
