package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/runhook/runhook/server/internal/store/database"
)

// SecretSweep is an environment in which what was kept before a secret was known is yet
// to be looked through.
type SecretSweep struct {
	EnvironmentID string
	// number is for how many secrets, tableNumber the table that is read, and after the
	// key of the last row of it that was.
	number      int64
	tableNumber int64
	after       string
}

// sweepSecrets has what an environment keeps be looked through, from the beginning.
func (tx *Tx) sweepSecrets(environmentID string) error {
	_, err := tx.conn.Exec(`
		INSERT INTO secret_sweeps (environment_id, number, swept, table_number, after_key) VALUES ($1, 1, 0, 0, '')
		ON CONFLICT (environment_id) DO UPDATE SET number = secret_sweeps.number + 1, table_number = 0, after_key = ''`, environmentID)
	return err
}

// NextSecretSweep returns an environment that is to be looked through, if there is one.
func (tx *Tx) NextSecretSweep() (SecretSweep, bool, error) {
	return first(tx, `SELECT environment_id, number, table_number, after_key FROM secret_sweeps WHERE swept < number ORDER BY environment_id LIMIT 1`,
		nil, func(rows database.Rows) (s SecretSweep, err error) {
			err = rows.Scan(&s.EnvironmentID, &s.number, &s.tableNumber, &s.after)
			return s, err
		})
}

// SweepSecrets looks through a page of what an environment keeps, puts references in
// place of the secrets in it, and records how far that has come. It returns how many
// rows were changed.
func (tx *Tx) SweepSecrets(s SecretSweep) (changed int, err error) {
	t := swept[s.tableNumber]
	page, more, err := t.page(tx, s.EnvironmentID, s.after)
	if err != nil {
		return 0, err
	}
	for _, row := range page {
		s.after = jsonList(row.key)
		sealed, err := t.seal(tx, row)
		if err != nil {
			return 0, err
		}
		if sealed {
			changed++
		}
	}
	done := int64(0)
	if !more {
		s.after = ""
		if s.tableNumber++; s.tableNumber == int64(len(swept)) {
			s.tableNumber, done = 0, s.number
		}
	}
	// If a secret was added meanwhile, it begins again.
	return changed, tx.conn.Queue(`
		UPDATE secret_sweeps SET table_number = $1, after_key = $2, swept = CASE WHEN $3 > 0 THEN $3 ELSE swept END
		WHERE environment_id = $4 AND number = $5`, []any{s.tableNumber, s.after, done, s.EnvironmentID, s.number}, nil)
}

// sweepable is a table in which secrets may stand in clear.
type sweepable struct {
	name string
	// from is the table as x, with what it takes to know its environment, and
	// environment what says that.
	from, environment string
	// key is what its rows are ordered and found by, with the value before all others.
	key []sweptKey
	// perEnvironment is set if environments may have rows with the same key.
	perEnvironment bool
	// where must hold for a row, too; empty for nothing.
	where   string
	columns []sweptColumn
}

// sweptKey is a column of a key.
type sweptKey struct{ name, before string }

// sweptColumn is a column, and how references are put into its texts.
type sweptColumn struct {
	name string
	seal func(tx *Tx, environmentID string, text []byte) ([]byte, error)
	// bytes is set for what need not be text.
	bytes bool
}

func sweptJSON(names ...string) (columns []sweptColumn) {
	for _, name := range names {
		columns = append(columns, sweptColumn{name: name, seal: (*Tx).SealSecrets})
	}
	return columns
}

// sweptTexts are columns of texts that stand in JSON wherever they are sent.
func sweptTexts(names ...string) (columns []sweptColumn) {
	for _, name := range names {
		columns = append(columns, sweptColumn{name: name, seal: (*Tx).sealTextBytes})
	}
	return columns
}

var byID = []sweptKey{{"id", ""}}

var (
	sweptTasks = sweepable{name: "tasks", from: "tasks x", environment: "x.environment_id", key: byID,
		columns: append(sweptJSON("params", "shown_params", "output", "properties", "output_properties"), sweptTexts("name", "display_key", "description")...)}
	sweptStatuses = sweepable{name: "run_statuses", from: "run_statuses x JOIN runs r ON r.id = x.run_id", environment: "r.environment_id",
		key: []sweptKey{{"run_id", ""}, {"key", ""}}, columns: append(sweptJSON("data", "history"), sweptTexts("label")...)}
	sweptRuns = sweepable{name: "runs", from: "runs x", environment: "x.environment_id", key: byID, columns: sweptJSON("output")}
)

// swept are the tables in the order in which they are looked through.
var swept = []sweepable{
	{name: "key_values", from: "key_values x", environment: "x.environment_id", key: []sweptKey{{"name", ""}}, perEnvironment: true,
		columns: []sweptColumn{{name: "value", seal: (*Tx).sealValue}}},
	{name: "trigger_sources", from: "trigger_sources x", environment: "x.environment_id", key: byID, columns: sweptJSON("data", "metadata")},
	{name: "events", from: "events x", environment: "x.environment_id", key: byID, columns: sweptJSON("payload", "context", "source_context")},
	sweptTasks,
	sweptRuns,
	{name: "task_attempts", from: "task_attempts x JOIN tasks t ON t.id = x.task_id", environment: "t.environment_id",
		key: []sweptKey{{"task_id", ""}, {"number", "-1"}}, columns: sweptJSON("error")},
	sweptStatuses,
	{name: "source_deliveries", from: "source_deliveries x", environment: "x.environment_id", key: byID,
		columns: append(sweptJSON("headers"), sweptColumn{name: "url", seal: (*Tx).SealBytes}, sweptColumn{name: "body", seal: (*Tx).SealBytes, bytes: true})},
	// A body that has yet to be delivered stays: its receiver may have been sent it before.
	{name: "notification_bodies", from: "notification_bodies x JOIN notifications n ON n.id = x.id", environment: "n.environment_id", key: byID,
		where: "n.status <> 'PENDING'", columns: []sweptColumn{{name: "body", seal: (*Tx).sealShown}}},
}

// sealValue is SealSecrets for a value of the key-value store, which may be any text.
func (tx *Tx) sealValue(environmentID string, value []byte) ([]byte, error) {
	if json.Valid(value) {
		return tx.SealSecrets(environmentID, value)
	}
	return tx.SealBytes(environmentID, value)
}

func (tx *Tx) sealTextBytes(environmentID string, text []byte) ([]byte, error) {
	sealed, err := tx.SealText(environmentID, string(text))
	return []byte(sealed), err
}

// sealShown takes the secrets out of what is sent as it is kept.
func (tx *Tx) sealShown(environmentID string, text []byte) ([]byte, error) {
	sealed, err := tx.SealSecrets(environmentID, text)
	return tx.HideSecrets(environmentID, sealed), err
}

// sweptRow is a row of a sweepable.
type sweptRow struct {
	environmentID string
	key           []string
	bytes         int64
}

// sweepRows and sweepBytes are how many rows are looked at in one transaction, and how
// many bytes their texts have together, but for one that is larger.
const sweepRows, sweepBytes = 100, 2 << 20

// page returns the rows that follow another, and whether there may be more after them.
func (t sweepable) page(tx *Tx, environmentID, after string) (page []sweptRow, more bool, err error) {
	key := make([]string, len(t.key))
	for i, k := range t.key {
		key[i] = k.before
	}
	if after != "" {
		if err := json.Unmarshal([]byte(after), &key); err != nil {
			return nil, false, err
		}
	}
	columns, places := "", ""
	args := []any{environmentID, sweepRows}
	for i, k := range t.key {
		comma := ""
		if i > 0 {
			comma = ", "
		}
		columns += comma + "x." + k.name
		args = append(args, key[i])
		places += comma + k.place(len(args))
	}
	where := ""
	if t.where != "" {
		where = " AND " + t.where
	}
	page, err = t.rows(tx, t.environment+` = $1 AND (`+columns+`) > (`+places+`)`+where+` ORDER BY `+columns+` LIMIT $2`, args)
	more = len(page) == sweepRows
	total := int64(0)
	for i, row := range page {
		if total += row.bytes; i > 0 && total > sweepBytes {
			return page[:i], true, err
		}
	}
	return page, more, err
}

// place returns what stands for a value of the key in SQL.
func (k sweptKey) place(number int) string {
	place := "$" + strconv.Itoa(number)
	if k.before != "" {
		return "CAST(" + place + " AS BIGINT)"
	}
	return place
}

// rows returns the rows that a condition selects, without their texts.
func (t sweepable) rows(tx *Tx, where string, args []any) ([]sweptRow, error) {
	keys, sizes := "", "0"
	for _, k := range t.key {
		keys += ", CAST(x." + k.name + " AS TEXT)"
	}
	for _, column := range t.columns {
		sizes += " + COALESCE(OCTET_LENGTH(x." + column.name + "), 0)"
	}
	return collect(tx, `SELECT `+t.environment+`, `+sizes+keys+` FROM `+t.from+` WHERE `+where, args, func(rows database.Rows) (r sweptRow, err error) {
		r.key = make([]string, len(t.key))
		into := []any{&r.environmentID, &r.bytes}
		for i := range r.key {
			into = append(into, &r.key[i])
		}
		err = rows.Scan(into...)
		return r, err
	})
}

// seal puts references into the texts of a row, unless another has changed them
// meanwhile, and reports whether there was something to change.
func (t sweepable) seal(tx *Tx, r sweptRow) (changed bool, err error) {
	for _, column := range t.columns {
		where, args := "", []any{}
		for i, k := range t.key {
			args = append(args, r.key[i])
			where += " AND " + k.name + " = " + k.place(len(args))
		}
		if t.perEnvironment {
			args = append(args, r.environmentID)
			where += " AND environment_id = $" + strconv.Itoa(len(args))
		}
		text, found, err := first(tx, `SELECT `+column.name+` FROM `+t.name+` WHERE `+column.name+` IS NOT NULL`+where, args, column.scan)
		if err != nil {
			return false, err
		}
		if !found {
			continue
		}
		sealed, err := column.seal(tx, r.environmentID, text)
		if err != nil {
			return false, err
		}
		if bytes.Equal(sealed, text) {
			continue
		}
		changed = true
		args = append(args, column.value(sealed), column.value(text))
		set, is := "$"+strconv.Itoa(len(args)-1), "$"+strconv.Itoa(len(args))
		if err := tx.overwrite(`UPDATE `+t.name+` SET `+column.name+` = `+set+` WHERE `+column.name+` = `+is+where, args); err != nil {
			return false, err
		}
	}
	return changed, nil
}

// overwrite changes rows, and leaves nothing of what they held in the pages of a SQLite
// file. When PostgreSQL removes the old rows is not for us to say.
func (tx *Tx) overwrite(statement string, args []any) error {
	const on, off = "PRAGMA secure_delete = ON", "PRAGMA secure_delete = OFF"
	if !tx.conn.Dialect().Exclusive {
		return tx.conn.Queue(statement, args, nil)
	}
	if _, err := tx.conn.Exec(on); err != nil {
		return err
	}
	_, err := tx.conn.Exec(statement, args...)
	_, offErr := tx.conn.Exec(off)
	return errors.Join(err, offErr)
}

func (c sweptColumn) scan(rows database.Rows) (text []byte, err error) {
	if c.bytes {
		err = rows.Scan(&text)
		return text, err
	}
	var s string
	err = rows.Scan(&s)
	return []byte(s), err
}

func (c sweptColumn) value(text []byte) any {
	if c.bytes {
		return text
	}
	return string(text)
}
