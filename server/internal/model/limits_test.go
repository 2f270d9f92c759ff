package model_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/runhook/runhook/server/internal/model"
)

func TestTheDocumentationHasEveryLimit(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	table := ""
	for _, limit := range model.Limits {
		table += fmt.Sprintf("| %s | %d |\n", limit.What, limit.Bytes)
	}
	if !strings.Contains(string(text), "| --- | --- |\n"+table+"\n") {
		t.Errorf("docs/api.md has not this table:\n%s", table)
	}
}

func TestATextThatDoesNotFitIsCutAndStaysDistinct(t *testing.T) {
	t.Parallel()
	limit := model.Limit{What: "text", Bytes: 100}
	if short := strings.Repeat("ü", 50); limit.Fit(short) != short {
		t.Errorf("a text that fits became %q", limit.Fit(short))
	}
	a, b := limit.Fit(strings.Repeat("ü", 51)+"a"), limit.Fit(strings.Repeat("ü", 51)+"b")
	for _, fitted := range []string{a, b} {
		if len(fitted) > limit.Bytes || len(fitted) < limit.Bytes-1 || !utf8.ValidString(fitted) || !strings.HasPrefix(fitted, "ü") || limit.Fit(fitted) != fitted {
			t.Errorf("a text that does not fit became %q", fitted)
		}
	}
	if a == b {
		t.Errorf("two texts became %q", a)
	}
}
