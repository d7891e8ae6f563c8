// Reads a folder of Terraform, for machines without terraform: prints as JSON which files are not as `terraform fmt` writes them
// (the same formatter), what is declared, what is referred to, the paths of helm_release's values, and the entries of Secrets.
// It knows no provider: names of resources' arguments stay unchecked.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

type report struct {
	Unformatted []string            `json:"unformatted"`
	Declared    []string            `json:"declared"`
	Referred    []string            `json:"referred"`
	Values      []string            `json:"values"`
	Secrets     map[string][]string `json:"secrets"`
}

func main() {
	paths, err := filepath.Glob(filepath.Join(os.Args[1], "*.tf"))
	fail(err)
	read := report{Secrets: map[string][]string{}}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		fail(err)
		file, diagnostics := hclsyntax.ParseConfig(text, filepath.Base(path), hcl.InitialPos)
		if diagnostics.HasErrors() {
			fail(diagnostics)
		}
		if string(hclwrite.Format(text)) != string(text) {
			read.Unformatted = append(read.Unformatted, filepath.Base(path))
		}
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			read.block(block)
		}
	}
	fail(json.NewEncoder(os.Stdout).Encode(read))
}

func (read *report) block(block *hclsyntax.Block) {
	switch {
	case block.Type == "resource":
		read.Declared = append(read.Declared, block.Labels[0]+"."+block.Labels[1])
	case block.Type == "variable":
		read.Declared = append(read.Declared, "var."+block.Labels[0])
	case block.Type == "locals":
		for name := range block.Body.Attributes {
			read.Declared = append(read.Declared, "local."+name)
		}
	}
	// The type of a variable is written in words of its own.
	if block.Type != "variable" {
		read.references(block.Body)
	}
	if block.Type == "resource" && block.Labels[0] == "helm_release" {
		list := block.Body.Attributes["values"].Expr.(*hclsyntax.TupleConsExpr)
		read.Values = pathsOf(list.Exprs[0].(*hclsyntax.FunctionCallExpr).Args[0], "")
	}
	if block.Type == "resource" && block.Labels[0] == "kubernetes_secret_v1" {
		name, _ := block.Body.Blocks[0].Body.Attributes["name"].Expr.Value(nil)
		read.Secrets[name.AsString()] = pathsOf(block.Body.Attributes["data"].Expr, "")
	}
}

func (read *report) references(body *hclsyntax.Body) {
	for _, attribute := range body.Attributes {
		for _, traversal := range attribute.Expr.Variables() {
			if len(traversal) < 2 {
				continue
			}
			if second, isName := traversal[1].(hcl.TraverseAttr); isName {
				read.Referred = append(read.Referred, traversal.RootName()+"."+second.Name)
			}
		}
	}
	for _, block := range body.Blocks {
		read.references(block.Body)
	}
}

// pathsOf returns the paths of the ends of nested objects.
func pathsOf(expression hclsyntax.Expression, path string) []string {
	object, isObject := expression.(*hclsyntax.ObjectConsExpr)
	if !isObject {
		return []string{path}
	}
	paths := []string{}
	for _, item := range object.Items {
		key, diagnostics := item.KeyExpr.Value(nil)
		if diagnostics.HasErrors() {
			fail(diagnostics)
		}
		below := key.AsString()
		if path != "" {
			below = path + "." + below
		}
		paths = append(paths, pathsOf(item.ValueExpr, below)...)
	}
	return paths
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}
