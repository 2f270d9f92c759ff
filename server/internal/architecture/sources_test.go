package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
)

// longestFile is the number of lines beyond which a file is to be split.
const longestFile = 600

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, found := range loadPackages(t) {
		if len(found.GoFiles) > 0 && found.Doc == "" {
			t.Errorf("%s has no package comment", found.ImportPath)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, found := range loadPackages(t) {
		for _, name := range found.GoFiles {
			files := token.NewFileSet()
			file := parse(t, files, filepath.Join(found.Dir, name))
			if lines := files.File(file.FileStart).LineCount(); lines > longestFile && !ast.IsGenerated(file) {
				t.Errorf("%s in %s has %d lines, more than %d: split it", name, found.ImportPath, lines, longestFile)
			}
		}
	}
}

func TestOnlyEgressOpensHTTPConnections(t *testing.T) {
	t.Parallel()
	for _, found := range loadPackages(t) {
		path := found.ImportPath
		if !isIn(path, serverModule) || isIn(path, internal+"egress") || isAround(path) || isTestHelper(path) {
			continue
		}
		for _, name := range found.GoFiles {
			files := token.NewFileSet()
			for _, use := range unguarded(parse(t, files, filepath.Join(found.Dir, name))) {
				t.Errorf("%s in %s, line %d: %s reaches the network past the guard: take a client from egress",
					name, path, files.Position(use.position).Line, use.what)
			}
		}
	}
}

func TestTheRulesForHTTPConnections(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		source  string
		refused bool
	}{
		{name: "a transport is refused", source: `import "net/http"; var _ = &http.Transport{}`, refused: true},
		{name: "a new transport is refused", source: `import "net/http"; var _ = new(http.Transport)`, refused: true},
		{name: "a client without a transport is refused", source: `import "net/http"; var _ = http.Client{Timeout: 1}`, refused: true},
		{name: "a client with a transport is fine", source: `import "net/http"; var guard http.RoundTripper; var _ = http.Client{Transport: guard}`},
		{name: "the default client is refused", source: `import "net/http"; var _ = http.DefaultClient`, refused: true},
		{name: "the default transport is refused", source: `import "net/http"; var _ = http.DefaultTransport`, refused: true},
		{name: "a get is refused under another name of the package", source: `import web "net/http"; var _, _ = web.Get("")`, refused: true},
		{name: "a post is refused", source: `import "net/http"; var _, _ = http.Post("", "", nil)`, refused: true},
		{name: "a server is fine", source: `import "net/http"; var _ = &http.Server{}`},
		{name: "another package's transport is fine", source: `import "example.com/http"; var _ = http.Transport{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file, err := parser.ParseFile(token.NewFileSet(), "example.go", "package example; "+test.source, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(unguarded(file)) > 0; got != test.refused {
				t.Errorf("refused is %v, want %v", got, test.refused)
			}
		})
	}
}

func parse(t *testing.T, files *token.FileSet, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// use is a place in a file that opens connections of its own.
type use struct {
	position token.Pos
	what     string
}

// shortcuts are the names in net/http that stand for its unguarded transport.
var shortcuts = []string{"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm"}

// unguarded finds what in a file reaches the network without egress.
func unguarded(file *ast.File) (uses []use) {
	httpName := importName(file, `"net/http"`)
	if httpName == "" {
		return nil
	}
	ast.Inspect(file, func(node ast.Node) bool {
		what := ""
		switch node := node.(type) {
		case *ast.CompositeLit:
			name := selected(node.Type, httpName)
			if name == "Transport" || name == "Client" && !setsTransport(node) {
				what = name + " literal"
			}
		case *ast.CallExpr:
			function, ok := node.Fun.(*ast.Ident)
			if ok && function.Name == "new" && len(node.Args) == 1 {
				if name := selected(node.Args[0], httpName); name == "Transport" || name == "Client" {
					what = "new " + name
				}
			}
		case *ast.SelectorExpr:
			if name := selected(node, httpName); slices.Contains(shortcuts, name) {
				what = name
			}
		}
		if what != "" {
			uses = append(uses, use{position: node.Pos(), what: "http " + what})
		}
		return true
	})
	return uses
}

// importName is the name a file uses for a package, or empty.
func importName(file *ast.File, quotedPath string) string {
	for _, spec := range file.Imports {
		switch {
		case spec.Path.Value != quotedPath:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return "http"
		}
	}
	return ""
}

// selected returns the name of an expression such as http.Name, or empty.
func selected(expression ast.Expr, packageName string) string {
	selector, ok := expression.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if from, ok := selector.X.(*ast.Ident); !ok || from.Name != packageName {
		return ""
	}
	return selector.Sel.Name
}

func setsTransport(literal *ast.CompositeLit) bool {
	return slices.ContainsFunc(literal.Elts, func(element ast.Expr) bool {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		key, ok := pair.Key.(*ast.Ident)
		return ok && key.Name == "Transport"
	})
}
