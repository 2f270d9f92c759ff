package main

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// source is what reflection does not know of a package.
type source struct {
	// comments has the text above types ("Type") and fields ("Type.Field").
	comments map[string]string
	// constants has the string constants of each type in the order they are
	// declared.
	constants map[string][]string
}

// readSource parses the Go files of a package, tests aside.
func readSource(dir string) (source, error) {
	s := source{comments: map[string]string{}, constants: map[string][]string{}}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return s, fmt.Errorf("list the files of package protocol: %w", err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return s, fmt.Errorf("read the comments of package protocol: %w", err)
		}
		for _, declaration := range file.Decls {
			if general, ok := declaration.(*ast.GenDecl); ok {
				s.read(general)
			}
		}
	}
	return s, nil
}

func (s source) read(declaration *ast.GenDecl) {
	for _, spec := range declaration.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			text := spec.Doc
			if text == nil {
				text = declaration.Doc
			}
			s.comments[spec.Name.Name] = plain(text)
			if structure, ok := spec.Type.(*ast.StructType); ok {
				s.readFields(spec.Name.Name, structure)
			}
		case *ast.ValueSpec:
			if declaration.Tok == token.CONST {
				s.readConstants(spec)
			}
		}
	}
}

func (s source) readFields(typeName string, structure *ast.StructType) {
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			s.comments[typeName+"."+name.Name] = plain(field.Doc)
		}
	}
}

func (s source) readConstants(spec *ast.ValueSpec) {
	typeName, ok := spec.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, value := range spec.Values {
		if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				s.constants[typeName.Name] = append(s.constants[typeName.Name], text)
			}
		}
	}
}

// plain returns a comment as one paragraph without the markup of Go.
func plain(group *ast.CommentGroup) string {
	parser := comment.Parser{LookupSym: func(string, string) bool { return true }}
	printer := comment.Printer{TextWidth: -1}
	return strings.Join(strings.Fields(string(printer.Text(parser.Parse(group.Text())))), " ")
}
