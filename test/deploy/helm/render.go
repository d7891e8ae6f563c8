// Renders a chart as `helm template` does, for machines without helm: Go's templates with sprig's functions, and the few that
// helm adds. Reads values files after the chart's own; prints a JSON object of template to text. It knows what Latchkey's chart
// uses: no dependencies, no look-ups in a cluster. The schema of the values is checked elsewhere.
//
//	render CHART RELEASE NAMESPACE [VALUES ...]
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

// files gives templates what lies in the chart.
type files struct{ chart string }

// Get returns the text of a file, and nothing where there is none, as helm does.
func (f files) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(f.chart, name))
	if err != nil {
		return ""
	}
	return string(text)
}

func main() {
	if len(os.Args) < 4 {
		fail(fmt.Errorf("usage: render CHART RELEASE NAMESPACE [VALUES ...]"))
	}
	chart, release, namespace := os.Args[1], os.Args[2], os.Args[3]
	values := readYaml(filepath.Join(chart, "values.yaml"))
	for _, path := range os.Args[4:] {
		merge(values, readYaml(path))
	}
	about := readYaml(filepath.Join(chart, "Chart.yaml"))
	data := object{
		"Values":  values,
		"Chart":   object{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": object{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
		"Files":   files{chart},
	}
	rendered, err := render(chart, data)
	fail(err)
	fail(json.NewEncoder(os.Stdout).Encode(rendered))
}

func render(chart string, data object) (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	if err != nil {
		return nil, err
	}
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if _, err := root.New(filepath.Base(path)).Parse(string(text)); err != nil {
			return nil, err
		}
	}
	rendered := map[string]string{}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "_") {
			continue
		}
		text := strings.Builder{}
		if err := root.ExecuteTemplate(&text, name, data); err != nil {
			return nil, err
		}
		// Go prints this for a missing value even with missingkey=zero; helm removes it.
		rendered[name] = strings.ReplaceAll(text.String(), "<no value>", "")
	}
	return rendered, nil
}

// functions returns sprig's and those that helm adds; like helm, none that reads the environment.
func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	all["include"] = func(name string, data interface{}) (string, error) {
		text := strings.Builder{}
		err := root.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	all["fromYaml"] = func(text string) (object, error) {
		value := object{}
		err := yaml.Unmarshal([]byte(text), &value)
		return value, err
	}
	all["fail"] = func(message string) (string, error) { return "", fmt.Errorf("%s", message) }
	return all
}

func readYaml(path string) object {
	text, err := os.ReadFile(path)
	fail(err)
	value := object{}
	fail(yaml.UnmarshalStrict(text, &value))
	return value
}

// merge puts the values of `over` into `base`: maps deeply, all else as a whole; null takes a value away.
func merge(base, over object) {
	for key, value := range over {
		inner, isMap := value.(object)
		below, wasMap := base[key].(object)
		switch {
		case value == nil:
			delete(base, key)
		case isMap && wasMap:
			merge(below, inner)
		default:
			base[key] = value
		}
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}
