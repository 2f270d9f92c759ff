package apps

import (
	"encoding/json"
	"strings"
)

// deployment is what Vercel sends when a deployment has succeeded.
type deployment struct {
	Type    string `json:"type"`
	Payload struct {
		Deployment struct {
			Name string `json:"name"`
			URL  string `json:"url"`
			Meta struct {
				Message string `json:"githubCommitMessage"`
				Ref     string `json:"githubCommitRef"`
				SHA     string `json:"githubCommitSha"`
			} `json:"meta"`
		} `json:"deployment"`
	} `json:"payload"`
}

// deploymentReason says in a line what was deployed, if data is a Vercel webhook
// (docs/protocol/api.md §15.4); empty otherwise.
func deploymentReason(data []byte) string {
	var d deployment
	if json.Unmarshal(data, &d) != nil || d.Type != "deployment.succeeded" {
		return ""
	}
	what := d.Payload.Deployment
	if commit := what.Meta; commit.Message != "" {
		message, _, _ := strings.Cut(commit.Message, "\n")
		return "Vercel deployed " + strings.TrimSpace(message) + " (" + commit.Ref + "@" + commit.SHA[:min(len(commit.SHA), 7)] + ")"
	}
	return strings.TrimSpace("Vercel deployed " + what.Name + " " + what.URL)
}
