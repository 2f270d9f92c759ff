package dashboard_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/test/harness"
)

// chromium opens a real browser, which must have nothing to complain of: no script fails,
// and nothing breaks the policy of the pages.
func chromium(t *testing.T) context.Context {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Fatal("there is no browser: run scripts/install.sh, which installs chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	quiet := func(string, ...any) {} // it does not know all events of newer browsers
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(quiet))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second) // turns a hang into a failure
	t.Cleanup(cancel)
	var mu sync.Mutex
	var complaints []string
	chromedp.ListenTarget(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			complaints = append(complaints, e.Entry.Text+" "+e.Entry.URL)
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		}
	})
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if len(complaints) > 0 {
			t.Errorf("the browser complains:\n%s", strings.Join(complaints, "\n"))
		}
	})
	if err := chromedp.Run(ctx, log.Enable()); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return ctx
}

// text waits until the page has a text, also over a change of page.
func text(text string) chromedp.Action {
	return holds("!!document.body && document.body.innerText.includes(`" + text + "`)")
}

// holds waits until an expression of JavaScript is true, also over a change of page.
func holds(expression string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		look := time.NewTicker(20 * time.Millisecond)
		defer look.Stop()
		for {
			var found bool
			_ = chromedp.Evaluate(expression, &found).Do(ctx) // fails while a page is replaced
			if found {
				return nil
			}
			select {
			case <-look.C:
			case <-ctx.Done():
				return fmt.Errorf("%s does not hold: %w", expression, ctx.Err())
			}
		}
	})
}

func TestADayInTheBrowser(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.Options{})
	ctx := chromium(t)
	do := func(what string, actions ...chromedp.Action) {
		t.Helper()
		if err := chromedp.Run(ctx, actions...); err != nil {
			var page string
			_ = chromedp.Run(ctx, chromedp.OuterHTML("html", &page))
			t.Fatalf("%s: %v\n%s", what, err, page)
		}
	}
	do("sign in", chromedp.Navigate(s.SignInLink()), text("Connect an app"))

	// The page turns by itself into the home of the environment. The browser asks again
	// every few seconds, whatever the server's clock.
	app := harness.NewApp(t, s)
	do("see the app", text("Nothing needs attention"))

	// From the keyboard: to the jobs, to the first, and run it.
	do("go to the jobs", chromedp.KeyEvent("gj"), text("Starts by"))
	do("open the job", chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.Enter), text("Run it"))
	do("run the job", chromedp.SetValue("textarea", `{"order":7}`, chromedp.ByQuery), chromedp.Click("button.primary"), text(`"order": 7`), text("Success"))

	done := make(chan struct{})
	id := app.Run(map[string]any{"payload": map[string]any{}}, func(x *harness.Execution) harness.Reply {
		task := x.Task("charge")
		<-done
		x.Complete(task, `{"charge":"ch_1"}`)
		return harness.Success(`{"receipt":7}`)
	})
	do("see a run and its task", chromedp.Navigate(s.URL+"/env/dev/runs/"+id), text("Executing"), text("charge"))

	// What happens is seen without a reload, and what was unfolded stays so.
	do("unfold the task", chromedp.Click(".timeline summary"), text("Attempts"), chromedp.Evaluate(`window.notReloaded = true`, nil))
	close(done)
	do("see the end", text("receipt"), text("Success"))
	var unfolded, notReloaded bool
	do("look at what was unfolded", chromedp.Evaluate(`document.querySelector(".timeline details").open`, &unfolded), chromedp.Evaluate(`window.notReloaded === true`, &notReloaded))
	if !unfolded || !notReloaded {
		t.Errorf("after the update, the task is unfolded: %v; the page was not loaded anew: %v", unfolded, notReloaded)
	}

	do("ask for help", chromedp.KeyEvent("?"), chromedp.WaitVisible("#help"), chromedp.KeyEvent(kb.Escape), chromedp.WaitNotVisible("#help"))
	do("run it again", chromedp.Click(`form[action$="/rerun"] button`), holds(`!location.pathname.endsWith("`+id+`")`), text("Success"), holds(`document.readyState === "complete"`))
	do("switch the theme", chromedp.Click("[data-theme-switch]", chromedp.ByQuery), holds(`!!document.documentElement.dataset.theme`))

	client := s.Development()
	waits := app.Run(map[string]any{"payload": map[string]any{}}, func(x *harness.Execution) harness.Reply {
		return harness.Resume(x.Task("sleep", harness.Noop, harness.Delay(s.Clock.Now().Add(time.Hour))))
	})
	client.WaitRun(waits, protocol.RunWaitingToContinue)
	do("cancel a run that waits", chromedp.Navigate(s.URL+"/env/dev/runs/"+waits), text("Waits for"), chromedp.Click(`button.danger`), text("Canceled"))
	do("sign out", chromedp.Click(`form[action="/sign-out"] button`), text("runhook open"))
}
