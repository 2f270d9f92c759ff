package store_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// reviewedUpdates are the UPDATE statements that set a status without naming the
// status they find, by a part of their text, and why.
var reviewedUpdates = map[string]string{
	"SET status = CASE WHEN status IN (": "an attempt is recorded in every status, and a resend that fails leaves a delivered notification delivered",
}

var (
	updatesStatus = regexp.MustCompile(`(?s)UPDATE\s+(runs|tasks|notifications|…)\s+SET\s+(.*)`)
	setsStatus    = regexp.MustCompile(`\bstatus\s*=`)
	namesStatus   = regexp.MustCompile(`\bstatus\s+(IN\s*\(|=)`)
)

// TestAStatusIsOnlyChangedFromAStatus reads the source of the store: a run, task
// or notification changes its status only in statements that compare the one it
// has.
func TestAStatusIsOnlyChangedFromAStatus(t *testing.T) {
	t.Parallel()
	found, reviewed := 0, map[string]bool{}
	for _, text := range sourceTexts(t) {
		text, _, _ = strings.Cut(text, "RETURNING")
		update := updatesStatus.FindStringSubmatch(text)
		if update == nil {
			continue
		}
		set, where := update[2], ""
		if at := strings.LastIndex(set, "WHERE "); at >= 0 {
			set, where = set[:at], set[at:]
		}
		if !setsStatus.MatchString(set) {
			continue
		}
		found++
		if namesStatus.MatchString(where) {
			continue
		}
		allowed := false
		for part := range reviewedUpdates {
			if strings.Contains(text, part) {
				allowed, reviewed[part] = true, true
			}
		}
		if !allowed {
			t.Errorf("this statement sets a status whatever it was:\n%s", text)
		}
	}
	if want := 10; found < want {
		t.Errorf("only %d statements that set a status were found, fewer than %d: is the source read rightly?", found, want)
	}
	for part, reason := range reviewedUpdates {
		if !reviewed[part] {
			t.Errorf("no statement has %q any more (%s)", part, reason)
		}
	}
}

// sourceTexts returns the texts that the store's source puts together, with …
// where a part is not known before it runs.
func sourceTexts(t *testing.T) (texts []string) {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	constants := constantsOf(files)
	for _, file := range files {
		ast.Inspect(file, func(node ast.Node) bool {
			expression, ok := node.(ast.Expr)
			if !ok {
				return true
			}
			switch expression.(type) {
			case *ast.BasicLit, *ast.BinaryExpr:
				texts = append(texts, textOf(expression, constants))
				return false
			}
			return true
		})
	}
	return texts
}

// constantsOf returns the package's text constants.
func constantsOf(files []*ast.File) map[string]ast.Expr {
	constants := map[string]ast.Expr{}
	for _, file := range files {
		for _, declaration := range file.Decls {
			general, ok := declaration.(*ast.GenDecl)
			if !ok || general.Tok != token.CONST {
				continue
			}
			for _, spec := range general.Specs {
				value := spec.(*ast.ValueSpec)
				for i, name := range value.Names {
					if i < len(value.Values) {
						constants[name.Name] = value.Values[i]
					}
				}
			}
		}
	}
	return constants
}

func textOf(expression ast.Expr, constants map[string]ast.Expr) string {
	const unknown = "…"
	switch e := expression.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return textOf(e.X, constants) + textOf(e.Y, constants)
		}
	case *ast.ParenExpr:
		return textOf(e.X, constants)
	case *ast.Ident:
		if value, ok := constants[e.Name]; ok {
			return textOf(value, constants)
		}
	}
	return unknown
}

// TestALimitIsNotPutInACondition keeps PostgreSQL from finding more rows than a
// limit allows: see Tx.pick.
func TestALimitIsNotPutInACondition(t *testing.T) {
	t.Parallel()
	limited := regexp.MustCompile(`(?s)\bIN\s*\(\s*SELECT\b[^()]*\bLIMIT\b`)
	for _, text := range sourceTexts(t) {
		if limited.MatchString(text) {
			t.Errorf("the query in this condition may run for each row, with its limit each time:\n%s", text)
		}
	}
}
