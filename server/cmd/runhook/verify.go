package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/cli/verify"
)

type verifyCommand struct {
	Body        string        `arg:"" optional:"" name:"body" help:"The file that holds the body, byte for byte. Default: standard input."`
	Header      []string      `short:"H" sep:"none" placeholder:"LINE" help:"A header of the request, such as \"Webhook-Id: ntf_...\". Repeat it for each."`
	Headers     string        `env:"RUNHOOK_VERIFY_HEADERS" placeholder:"FILE" help:"A file with the headers: lines of the form Name: value, or a JSON object. Default: none."`
	Secret      []keyText     `env:"RUNHOOK_WEBHOOK_SECRET" placeholder:"SECRET" help:"A secret that may have signed it (whsec_...). Repeat it for each, or separate them by commas. Default: none."`
	PublicKey   []keyText     `env:"RUNHOOK_WEBHOOK_PUBLIC_KEY" placeholder:"KEY" help:"A public key that verifies it (whpk_...). Default: none."`
	APIKey      []keyText     `name:"api-key" env:"RUNHOOK_API_KEY,TRIGGER_API_KEY" placeholder:"KEY" help:"The secret API key of the environment, which verifies what is sent to callback URLs. Default: none."`
	AllowLegacy bool          `env:"RUNHOOK_VERIFY_ALLOW_LEGACY" help:"Accept X-Trigger-Signature-256 alone, as receivers with AllowLegacy do. It covers no time. Default: no."`
	Tolerance   time.Duration `env:"RUNHOOK_VERIFY_TOLERANCE" default:"5m" placeholder:"DURATION" help:"How far the timestamp may be from the time the webhook was received. Default: ${default}."`
	ReceivedAt  time.Time     `env:"RUNHOOK_VERIFY_RECEIVED_AT" placeholder:"TIME" help:"When it was received, such as 2026-01-31T12:00:00Z. Default: now."`
	JSON        bool          `name:"json" env:"RUNHOOK_JSON" help:"Write the result as JSON."`
}

// Run verifies a recorded webhook. It fails if a receiver would refuse it.
func (c *verifyCommand) Run(_ context.Context, s streams) error {
	if c.Tolerance <= 0 {
		return &usageError{"--tolerance (RUNHOOK_VERIFY_TOLERANCE)", fmt.Errorf("must be longer than %v, such as 5m", c.Tolerance)}
	}
	if len(c.APIKey)+len(c.Secret)+len(c.PublicKey) == 0 {
		return &usageError{"--secret (RUNHOOK_WEBHOOK_SECRET), --public-key (RUNHOOK_WEBHOOK_PUBLIC_KEY), --api-key (RUNHOOK_API_KEY)",
			errors.New("give at least one of them to verify with")}
	}
	header, err := c.header()
	if err != nil {
		return err
	}
	body, err := c.body(s.in)
	if err != nil {
		return err
	}
	at := c.ReceivedAt
	if at.IsZero() {
		at = time.Now()
	}
	report, err := verify.Webhook(verify.Config{
		Header: header, Body: body, APIKeys: keyTexts(c.APIKey), Secrets: keyTexts(c.Secret), PublicKeys: keyTexts(c.PublicKey), Tolerance: c.Tolerance,
		AllowLegacy: c.AllowLegacy, At: at,
	})
	switch {
	case errors.Is(err, protocol.ErrBadSecret):
		return &usageError{"--secret (RUNHOOK_WEBHOOK_SECRET)", err}
	case errors.Is(err, protocol.ErrBadKey):
		return &usageError{"--public-key (RUNHOOK_WEBHOOK_PUBLIC_KEY)", err}
	case err != nil:
		return err
	}
	if err := c.show(report, s.out); err != nil {
		return err
	}
	if !report.Believed {
		return errReported
	}
	return nil
}

func (c *verifyCommand) show(report verify.Report, out io.Writer) error {
	if !c.JSON {
		return report.Show(out)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}

func (c *verifyCommand) body(in io.Reader) ([]byte, error) {
	if c.Body == "" || c.Body == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(c.Body)
}

// header joins the headers of the file and those of the flags.
func (c *verifyCommand) header() (http.Header, error) {
	header := http.Header{}
	if c.Headers != "" {
		text, err := os.ReadFile(c.Headers)
		if err != nil {
			return nil, &usageError{"--headers (RUNHOOK_VERIFY_HEADERS)", err}
		}
		if header, err = verify.ParseHeader(text); err != nil {
			return nil, &usageError{"--headers (RUNHOOK_VERIFY_HEADERS)", fmt.Errorf("%s: %w", c.Headers, err)}
		}
	}
	for _, line := range c.Header {
		more, err := verify.ParseHeader([]byte(line))
		if err != nil {
			return nil, &usageError{"--header", err}
		}
		for name, values := range more {
			header[name] = append(header[name], values...)
		}
	}
	if len(header) == 0 {
		return nil, &usageError{"--header, --headers (RUNHOOK_VERIFY_HEADERS)", errors.New("give the headers of the request")}
	}
	return header, nil
}
