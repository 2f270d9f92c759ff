package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/runhook/runhook/server/internal/model"
)

// checkMembers refuses a body, which was decoded into a struct, for members that the
// struct has no field for. It is for requests of our own API, whose callers get an error
// of every word that is not understood, and for those of the protocol where what
// they are about is absent: the published clients send members that this server
// does not know, but never without those that it does. hint says where to put what
// was meant.
func checkMembers(body []byte, decoded any, hint string) error {
	unknown := unknownMembers(body, fieldNames(reflect.TypeOf(decoded).Elem()), strings.EqualFold)
	if len(unknown) == 0 {
		return nil
	}
	return model.Errorf(model.Invalid, "Invalid request body: %s", describeUnknown(unknown, hint))
}

func describeUnknown(unknown []string, hint string) string {
	const most = 5
	named := make([]string, 0, most)
	for _, name := range unknown[:min(len(unknown), most)] {
		named = append(named, fmt.Sprintf("%.50q", name))
	}
	list := strings.Join(named, ", ")
	if len(unknown) > most {
		list += fmt.Sprintf(" and %d more", len(unknown)-most)
	}
	return "nothing is known by the name " + list + "; " + hint
}

// unknownMembers returns the members of an object that are none of the known, sorted.
// encoding/json takes names for the same in any case, the readers of events only
// those that are equal.
func unknownMembers(object []byte, known []string, same func(a, b string) bool) []string {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil // it was decoded before, so it is none of an object
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.ContainsFunc(known, func(field string) bool { return same(field, name) }) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// fieldNames returns the names that the fields of a struct have in JSON.
func fieldNames(of reflect.Type) (names []string) {
	for _, field := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.IsExported() && !field.Anonymous && name != "-" {
			names = append(names, orElse(name, field.Name))
		}
	}
	return names
}

func orElse(text, other string) string {
	if text != "" {
		return text
	}
	return other
}
