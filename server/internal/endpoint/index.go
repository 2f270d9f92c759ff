package endpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/runhook/runhook/protocol"
)

// maxIndexBytes bounds the answer to INDEX_ENDPOINT.
const maxIndexBytes = 10 << 20

// IndexResult is what an endpoint said it can do.
type IndexResult struct {
	Document protocol.Index
	// Raw is the document as it came, byte for byte, unpacked and without a
	// byte-order mark.
	Raw      json.RawMessage
	Versions Versions
	// NewURL is where the endpoint has moved within its origin, and what its URL is
	// to be replaced by; empty if it answered at the URL it was called at.
	NewURL string
}

// Index sends INDEX_ENDPOINT and checks the answer. The error is an [*Error];
// if jobs are wrong, its message lists what is wrong with each.
func (c *Client) Index(ctx context.Context, target Target) (IndexResult, error) {
	const action = protocol.ActionIndexEndpoint
	answer, err := c.ask(ctx, target, message{action: action}, c.timeout, maxIndexBytes)
	if err != nil {
		return IndexResult{}, err
	}
	if answer.tooLarge {
		return IndexResult{}, &Error{Action: action, StatusCode: answer.status,
			Message: fmt.Sprintf("Endpoint %s responded with more than %d MiB, which is the most an index may have", target.URL, maxIndexBytes>>20)}
	}
	body, failure := answer.read(target, action)
	if failure != nil {
		return IndexResult{}, failure
	}
	// Unlike other answers, all of it is kept as one value.
	if deep := checkDepth(body, protocol.MaxDepth); deep != nil {
		return IndexResult{}, misshapen(answer, target, action, *deep)
	}
	document, failure := readIndex(answer, target)
	if failure != nil {
		return IndexResult{}, failure
	}
	result := IndexResult{Document: document, Raw: body, Versions: versions(answer.header)}
	if answer.url != target.URL {
		result.NewURL = answer.url
	}
	return result, nil
}

// isWhole reports whether all texts of a JSON document are decoded as they are: none
// has U+0000 or half of a surrogate pair.
func isWhole(body []byte) bool {
	return protocol.IsWholeText(body) && !bytes.Contains(body, []byte(`\u0000`))
}

func readIndex(answer *answer, target Target) (protocol.Index, *Error) {
	const action = protocol.ActionIndexEndpoint
	var check shape
	members := check.object("", answer.body)
	if members == nil {
		return protocol.Index{}, misshapen(answer, target, action, check.problems[0])
	}
	var jobs []json.RawMessage
	if check.need("jobs", members["jobs"], &jobs); len(check.problems) > 0 {
		return protocol.Index{}, misshapen(answer, target, action, check.problems[0])
	}
	if issues := jobIssues(jobs); len(issues) > 0 {
		return protocol.Index{}, &Error{Action: action, StatusCode: answer.status,
			Message: "Your Jobs have issues:\n" + strings.Join(issues, "\n")}
	}
	var document protocol.Index
	if !check.decode("", answer.body, &document) {
		return protocol.Index{}, misshapen(answer, target, action, check.problems[0])
	}
	if issues := otherIssues(document, isWhole(answer.body)); len(issues) > 0 {
		return protocol.Index{}, &Error{Action: action, StatusCode: answer.status,
			Message: "Your app's sources, dynamic triggers, dynamic schedules, HTTP endpoints and webhooks have issues:\n" + strings.Join(issues, "\n")}
	}
	return document, nil
}
