package storetest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/runhook/runhook/protocol"
	"github.com/runhook/runhook/server/internal/model"
	"github.com/runhook/runhook/server/internal/store"
)

var pageTests = []test{
	{"a page ends where its bytes do, and has one item however large that is", pagesOfBytes},
	{"nothing large is loaded for which there is no room", pagesWithoutRoom},
	{"the sizes of what is read at once are known", sizes},
}

// pageOf returns the items of a page.
func pageOf[T any](f *fixture, fn func(tx *store.Tx) ([]T, string, error)) []T {
	f.Helper()
	return read(f, func(tx *store.Tx) ([]T, error) {
		items, _, err := fn(tx)
		return items, err
	})
}

// largeLists are lists with items of 10, 10, 3000, 10 and 10 bytes and little more, by
// what they are of. They return the keys of a page, and where the next begins.
func (f *fixture) largeLists() map[string]func(tx *store.Tx, cursor string, page store.Page) ([]string, string, error) {
	sizes := []int{10, 10, 3000, 10, 10}
	texts := make([][]byte, len(sizes))
	for i, size := range sizes {
		texts[i] = fmt.Appendf(nil, `"%s"`, strings.Repeat("x", size-2))
	}
	run, tasks := f.insertRun(leased("node_a")), f.insertRun(leased("node_a"))
	for i, text := range texts {
		completed := f.insertTask(run, fmt.Sprint(i), func(t *model.Task) { t.Name = "" })
		findOrNot(f, func(tx *store.Tx) (model.Task, bool, error) {
			return tx.EndTask(f.environment.ID, completed.ID, store.TaskEnd{Transition: model.TaskCompletes, Output: text})
		})
		f.insertTask(tasks, fmt.Sprint(i), func(t *model.Task) { t.Name, t.Params = "", text })
		f.insertNotification(run, func(n *model.Notification) { n.Body = text })
	}
	f.place(5)
	byID := func(found []model.Task) []string { return names(found, func(t model.Task) string { return t.ID }) }
	return map[string]func(tx *store.Tx, cursor string, page store.Page) ([]string, string, error){
		"completed tasks": func(tx *store.Tx, cursor string, page store.Page) ([]string, string, error) {
			if page.Bytes > 0 {
				page.Bytes += 2 * 101 // what is around them
			}
			found, next, err := tx.CompletedTasks(run.ID, cursor, page)
			return names(found, func(t protocol.CachedTask) string { return t.ID }), next, err
		},
		"tasks": func(tx *store.Tx, cursor string, page store.Page) ([]string, string, error) {
			if page.Bytes > 0 {
				page.Bytes += 60
			}
			found, next, err := tx.TasksOfRun(tasks.ID, cursor, false, store.WholeTasks, page)
			return byID(found), next, err
		},
		"the feed": func(tx *store.Tx, cursor string, page store.Page) ([]string, string, error) {
			after := int64(0)
			if cursor != "" {
				fmt.Sscan(cursor, &after)
			}
			found, err := tx.Feed(f.environment.ID, store.FeedFilter{}, after, page)
			next := ""
			if found.More {
				next = fmt.Sprint(found.Last)
			}
			return names(found.Items, func(p store.Placed) string { return p.ID }), next, err
		},
	}
}

func pagesOfBytes(f *fixture) {
	for of, list := range f.largeLists() {
		var all []string
		var counts []int
		for cursor := ""; ; {
			var keys []string
			var next string
			err := f.store.View(f.Context(), func(tx *store.Tx) (err error) {
				keys, next, err = list(tx, cursor, store.Page{Items: 100, Bytes: 25})
				return err
			})
			if err != nil {
				f.Fatal(err)
			}
			all, counts = append(all, keys...), append(counts, len(keys))
			if next == "" || len(counts) > 10 {
				break
			}
			cursor = next
		}
		equal(f, "how many items the pages of "+of+" have", counts, []int{2, 1, 2})
		whole := read(f, func(tx *store.Tx) ([]string, error) {
			keys, _, err := list(tx, "", store.Page{Items: 100})
			return keys, err
		})
		equal(f, "what is on the pages of "+of, all, whole)
	}
}

func pagesWithoutRoom(f *fixture) {
	noRoom := errors.New("no room")
	for of, list := range f.largeLists() {
		var asked []int64
		err := f.store.View(f.Context(), func(tx *store.Tx) error {
			_, _, err := list(tx, "", store.Page{Items: 100, Reserve: func(bytes int64) error {
				asked = append(asked, bytes)
				return noRoom
			}})
			return err
		})
		if !errors.Is(err, noRoom) || len(asked) != 1 || asked[0] < 3040 || asked[0] > 4500 {
			f.Errorf("%s: the error is %v after room for %v was asked for", of, err, asked)
		}
	}
}

func sizes(f *fixture) {
	event := f.insertDue(f.clock.Now(), func(e *model.Event) { e.Payload, e.Context = []byte(`[1]`), []byte(`[2,3]`) })
	run := f.insertRun(leased("node_a"), func(r *model.Run) { r.EventID = event.ID })
	f.update(func(tx *store.Tx) error {
		if err := tx.SaveStatus(f.environment.ID, run.ID, protocol.ProgressStatus{Key: "k", Label: "label", Data: []byte(`{}`)}); err != nil {
			return err
		}
		return tx.SetRunOutput(run.ID, []byte(`"output"`))
	})
	n := f.insertNotification(run, func(n *model.Notification) { n.Body = []byte(`{"a":1}`) })
	for what, test := range map[string]struct {
		size func(tx *store.Tx) (int64, error)
		want int64
	}{
		"a run":            {func(tx *store.Tx) (int64, error) { return tx.RunBytes(run.ID) }, 18},
		"an unknown run":   {func(tx *store.Tx) (int64, error) { return tx.RunBytes("run_unknown") }, 0},
		"an execution":     {func(tx *store.Tx) (int64, error) { return tx.ExecutionBytes(run.ID) }, 26},
		"an event":         {func(tx *store.Tx) (int64, error) { return tx.EventBytes(f.environment.ID, event.EventID) }, 8},
		"a notification":   {func(tx *store.Tx) (int64, error) { return tx.NotificationBytes(n.ID) }, 7},
		"an unknown event": {func(tx *store.Tx) (int64, error) { return tx.EventBytes(f.other.ID, event.EventID) }, 0},
	} {
		equal(f, "how many bytes "+what+" has", read(f, test.size), test.want)
	}
	count := 0
	bytes := read(f, func(tx *store.Tx) (bytes int64, err error) {
		count, bytes, err = tx.OtherStatuses(run.ID, "another")
		return bytes, err
	})
	equal(f, "how many statuses there are besides one, and their bytes", []int64{int64(count), bytes}, []int64{1, 10})
	equal(f, "the bytes of those besides the only one", read(f, func(tx *store.Tx) (bytes int64, err error) {
		_, bytes, err = tx.OtherStatuses(run.ID, "k")
		return bytes, err
	}), 0)
}
