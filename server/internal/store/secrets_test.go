package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/clock"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
	"github.com/runhook/runhook/server/internal/store/database"
)

// canary marks secrets, so that a search of the whole database finds them.
const canary = "canary"

// createEnvironments makes two environments whose keys hold the canary.
func createEnvironments(t *testing.T, s *store.Store) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		return tx.CreateProject(model.Organization{ID: "org_1", Slug: "org"}, model.Project{ID: "proj_1", Slug: "project"}, []store.NewEnvironment{
			{Slug: "dev", Type: protocol.Development, APIKey: "tr_dev_" + canary, PublicKey: "pk_dev_" + canary},
			{Slug: "prod", Type: protocol.Production, APIKey: "tr_prod_" + canary, PublicKey: "pk_prod_" + canary},
		})
	})
}

func update(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func environments(ctx context.Context, s *store.Store) (found []*model.Environment, err error) {
	err = s.View(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.Environments()
		return err
	})
	return found, err
}

// execute runs a statement that the store has no method for.
func execute(t *testing.T, s *store.Store, query string) {
	t.Helper()
	err := store.Database(s).Update(t.Context(), func(c database.Conn) error {
		_, err := c.Exec(query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dump returns every row of every table as JSON, one on each line.
func dump(t *testing.T, s *store.Store) string {
	t.Helper()
	var text strings.Builder
	err := store.Database(s).View(t.Context(), func(c database.Conn) error {
		tables, err := tablesOf(c)
		if err != nil {
			return err
		}
		for _, table := range tables {
			if err := dumpTable(c, table, &text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func dumpTable(c database.Conn, table string, text *strings.Builder) error {
	query := "SELECT row_to_json(t)::text FROM " + table + " t"
	if c.Dialect().Name == "sqlite" {
		columns, err := texts(c, "SELECT name FROM pragma_table_info('"+table+"')")
		if err != nil {
			return err
		}
		query = "SELECT json_array(" + strings.Join(columns, ", ") + ") FROM " + table
	}
	rows, err := texts(c, query)
	for _, row := range rows {
		fmt.Fprintln(text, table, row)
	}
	return err
}

// texts returns the texts that a query selects.
func texts(c database.Conn, query string) (all []string, err error) {
	rows, err := c.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

func TestNoSecretIsStoredAsPlainText(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			key := store.NewMasterKey()
			s := open(t, store.Options{URL: engine.url(t), MasterKey: key})
			createEnvironments(t, s)
			update(t, s, func(tx *store.Tx) error {
				all, err := tx.Environments()
				if err != nil {
					return err
				}
				if err := tx.SetAPIKey(all[0].ID, "tr_dev_fresh_"+canary); err != nil {
					return err
				}
				return tx.InsertSubscription(model.Subscription{
					ID: "sub_1", EnvironmentID: all[0].ID, URL: "https://example.com/",
					Secrets: []model.SubscriptionSecret{{Secret: "whsec_" + canary}, {Secret: "whsk_" + canary, ExpiresAt: tx.Now()}},
					Headers: map[string]string{"Authorization": "Bearer " + canary},
				})
			})
			text := dump(t, s)
			if !strings.Contains(text, "environments") || !strings.Contains(text, "sub_1") {
				t.Fatalf("the dump lacks an environment or the subscription:\n%s", text)
			}
			for _, secret := range []string{canary, fmt.Sprintf("%x", key)} {
				if strings.Contains(strings.ToLower(text), secret) {
					t.Errorf("%q is in the database:\n%s", secret, text)
				}
			}
		})
	}
}

func TestACiphertextThatWasMovedIsRefused(t *testing.T) {
	t.Parallel()
	moves := map[string]string{
		"to another row":     "UPDATE environments SET api_key_encrypted = (SELECT api_key_encrypted FROM environments WHERE slug = 'prod')",
		"to another column":  "UPDATE environments SET public_key_encrypted = api_key_encrypted",
		"with a byte less":   "UPDATE environments SET api_key_encrypted = substr(api_key_encrypted, 5)",
		"that is not Base64": "UPDATE environments SET api_key_encrypted = '!'",
		"that is empty":      "UPDATE environments SET api_key_encrypted = ''",
	}
	for _, engine := range engines {
		for name, move := range moves {
			t.Run(engine.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := open(t, store.Options{URL: engine.url(t)})
				createEnvironments(t, s)
				execute(t, s, move)
				_, err := environments(t.Context(), s)
				wantWrongKey(t, err)
				_, err = s.EnvironmentByKey(t.Context(), "tr_dev_"+canary, false)
				wantWrongKey(t, err)
			})
		}
	}
}

func wantWrongKey(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "RUNHOOK_ENCRYPTION_KEY") || strings.Contains(err.Error(), canary) {
		t.Errorf("got error %v, want one that names the setting and no secret", err)
	}
}

func TestAWrongMasterKeyIsRefused(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url, key := engine.url(t), store.NewMasterKey()
			first := open(t, store.Options{URL: url, MasterKey: key})
			createEnvironments(t, first)
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, store.Options{URL: url, MasterKey: key})
			if _, err := environments(t.Context(), again); err != nil {
				t.Error(err)
			}
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
			wrong := open(t, store.Options{URL: url, MasterKey: store.NewMasterKey()})
			_, err := environments(t.Context(), wrong)
			wantWrongKey(t, err)
			_, err = wrong.EnvironmentByKey(t.Context(), "tr_dev_"+canary, false)
			wantWrongKey(t, err)
		})
	}
}

func TestAMasterKeyThatIsNotGivenIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url := engine.url(t)
			first := open(t, store.Options{URL: url})
			createEnvironments(t, first)
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			again := open(t, store.Options{URL: url})
			found, err := environments(t.Context(), again)
			if err != nil || len(found) != 2 || found[0].APIKey != "tr_dev_"+canary {
				t.Errorf("got %d environments and error %v, want the two with their keys", len(found), err)
			}
		})
	}
}

func TestTheKeyFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	url := engines[0].url(t)
	path := strings.TrimPrefix(url, "sqlite:") + ".key"
	s := open(t, store.Options{URL: url})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got mode %v and error %v, want 0600", info.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("not a key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Options{URL: url}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v, want one that names the file", err)
	}
}

func TestAMasterKeyThatIsMissingIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			url := engine.url(t)
			first := open(t, store.Options{URL: url, MasterKey: store.NewMasterKey()})
			createEnvironments(t, first)
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the first try must not leave a key that the second finds
				_, err := store.Open(t.Context(), store.Options{URL: url, Clock: clock.System{}})
				if err == nil || !strings.Contains(err.Error(), "RUNHOOK_ENCRYPTION_KEY") {
					t.Errorf("got error %v, want one that names the setting", err)
				}
			}
			if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
				if _, err := os.Stat(path + ".key"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a key file was made beside a database that had another key: %v", err)
				}
			}
		})
	}
}

func TestAMasterKeyIsHexadecimalOrBase64(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{0xfb, 0xff}, store.KeySize/2)
	for text, valid := range map[string]bool{
		strings.Repeat("fbff", 16):                      true,
		strings.Repeat("FBFF", 16):                      true,
		"+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+/8=":  true,
		"-__7__v_-__7__v_-__7__v_-__7__v_-__7__v_-_8":   true,
		strings.Repeat("fbff", 15):                      false,
		strings.Repeat("fbff", 17):                      false,
		strings.Repeat("xyzw", 16):                      false,
		"":                                              false,
		"+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+/8= ": false,
	} {
		got, err := store.ParseMasterKey(text)
		if (err == nil) != valid || valid && !bytes.Equal(got, key) {
			t.Errorf("%q: got %x and error %v, valid is %v", text, got, err, valid)
		}
		if err != nil && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	if first, second := store.NewMasterKey(), store.NewMasterKey(); len(first) != store.KeySize || bytes.Equal(first, second) {
		t.Errorf("new keys are %x and %x", first, second)
	}
}
