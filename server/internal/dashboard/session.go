package dashboard

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/runhook/runhook/server/internal/store"
)

// sessionLifetime is how long a session lasts.
const sessionLifetime = 30 * 24 * time.Hour

// session is on whose behalf a page is asked for. There is one kind of person yet: the
// owner of the server.
type session struct{ token string }

// action is something that a person may do.
type action string

const (
	actionRead   action = "read"   // look at an environment
	actionManage action = "manage" // start, cancel, resend
)

// may reports whether a session may do something in an environment. It is the one place
// that decides it.
func may(s *session, _ action, _ *Environment) bool { return s != nil }

// cookieName is that of this server: cookies are shared by all ports of a host.
func cookieName(publicURL string) string {
	name := "runhook"
	if u, err := url.Parse(publicURL); err == nil {
		if port := u.Port(); port != "" {
			name += "-" + port
		}
		if u.Scheme == "https" {
			name = "__Host-" + name
		}
	}
	return name
}

func (d *Dashboard) cookie(value string, maxAge time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: d.cookieName, Value: value, Path: "/", MaxAge: int(maxAge.Seconds()),
		HttpOnly: true, Secure: strings.HasPrefix(d.cookieName, "__Host-"), SameSite: http.SameSiteLaxMode,
	}
}

// session returns the session of a request; nil if there is none.
func (d *Dashboard) session(r *http.Request) (*session, error) {
	cookie, err := r.Cookie(d.cookieName)
	if err != nil || cookie.Value == "" {
		return nil, nil
	}
	var found bool
	err = d.Store.View(r.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.HasSession(cookie.Value)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	return &session{token: cookie.Value}, nil
}

// signIn is GET /sign-in: with the token of a link it opens a session, and without one it
// says how to get a link.
func (d *Dashboard) signIn(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if token == "" {
		d.renderSignIn(w, http.StatusOK, "")
		return
	}
	err := d.openSession(w, r, token)
	switch {
	case err == nil:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case errors.Is(err, errNoLink), errors.Is(err, errLinkExpired), errors.Is(err, errLinkUsed):
		text := err.Error()
		d.renderSignIn(w, http.StatusForbidden, strings.ToUpper(text[:1])+text[1:]+".")
	default:
		d.fail(w, r, err)
	}
}

func (d *Dashboard) openSession(w http.ResponseWriter, r *http.Request, token string) error {
	now := d.Clock.Now()
	link, err := checkToken(d.Store.SignInKey(), token, now)
	if err != nil {
		return err
	}
	cookie := newToken()
	var used bool
	err = d.Store.Update(r.Context(), func(tx *store.Tx) (err error) {
		used, err = tx.OpenSession(cookie, link, now.Add(sessionLifetime))
		return err
	})
	if err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	if used {
		// Browsers open a link twice at times; whoever has its session stays signed in.
		if s, err := d.session(r); err != nil || s != nil {
			return err
		}
		return errLinkUsed
	}
	d.Log.Info("somebody signed in to the dashboard", "remote", r.RemoteAddr)
	http.SetCookie(w, d.cookie(cookie, sessionLifetime))
	return nil
}

// signOut is POST /sign-out.
func (d *Dashboard) signOut(w http.ResponseWriter, r *http.Request) {
	s, err := d.session(r)
	if err == nil && s != nil {
		err = d.Store.Update(r.Context(), func(tx *store.Tx) error { return tx.EndSession(s.token) })
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	http.SetCookie(w, d.cookie("", -time.Second))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// newToken returns 32 random bytes as a cookie has them.
func newToken() string {
	token := make([]byte, 32)
	rand.Read(token) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(token)
}
