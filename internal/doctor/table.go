package doctor

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"

	"go.yaml.in/yaml/v3"
)

// facts are what a cause's texts speak of.
type facts struct {
	Name       string // what was asked for
	At         string // where the way ended, or which file is meant
	Target     string // where the file has to be
	Instr      string // ENTRYPOINT or CMD: where the program comes from
	Words      string // the instructions that were meant, or a script's first line
	Lost       string // where a layer has taken the file away
	Layer      int
	Tree       string // the folder of an interpreter that has one of its own
	Capability string // that the file demands, by its number
	Closed     bool   // a folder is closed, not the file
	User       string
	Link       string // "/sh -> /busybox"
	Loop       bool   // the links lead in a circle
	Command    string // of a shell form
	Path       string // PATH
	Line       string // a script's first line
	Found      string // what a file is instead
	Machine    string // that a file is for
	Wants      string // the machine that it should be for
	Libc       string
	Library    string
	Copies     string // lines that copy a loader and its libraries
	Foreign    bool   // a program for glibc, on musl
	Bare       bool   // a library without versions
	PIE        bool   // built so by Go, and without need
	Of         string // Rust, .NET, a distribution: whose the program is
	Go         bool   // the program was built by Go
	Option     string // of a script's first line
	Lacks      string // what a busybox or env does not know
	By         string // who is to become the user, where it is not USER that says so
	Read       bool   // a script cannot be read
	Switch     bool   // another user is asked for, and only root may
	Sed        string // how the image itself can call it
	Conf       string // the file by which ldconfig knows a folder
	It         string // what a cure or an advice speaks of
}

// JSON is the shell form's command as the exec form wants it; empty where only a shell can do it.
func (f facts) JSON() string { return quoteList(f.Command) }

// Row is a cause's in the table: what the doctor and docs/causes say of it. Its texts are templates over facts.
type Row struct {
	Cause                          Cause
	Title, Meaning, Summary, Proof string
	Fixes                          []struct { // the first whose condition holds
		When string
		Fix  `yaml:",inline"`
	}
	Example facts
}

//go:embed texts.yaml
var textsFile []byte

// texts are all sentences that the doctor has for a cause, a cure or an advice: read once they are asked for.
var texts = sync.OnceValue(func() (all struct {
	Causes, Refusals []Row // by precedence
	Ends             map[broken]string
	Formats          map[string][]string
	Cures            map[string]string
	Advice           map[string]Advice
}) {
	decoder := yaml.NewDecoder(bytes.NewReader(textsFile))
	decoder.KnownFields(true)
	if err := decoder.Decode(&all); err != nil {
		panic(err) // a test reads it
	}
	return all
})

// Causes are those that an image alone may have, by precedence.
func Causes() []Row { return texts().Causes }

// Rows are all: those that take a pod, too, come last.
func Rows() []Row { return slices.Concat(texts().Causes, texts().Refusals) }

// Row is the cause's own.
func (c Cause) Row() Row {
	rows := Rows()
	return rows[slices.IndexFunc(rows, func(r Row) bool { return r.Cause == c })]
}

// Page is where the repo says more of it.
func (c Cause) Page() string { return "docs/causes/" + string(c) + ".md" }

// fix is the one for what was found.
func (r Row) fix(f facts) (fix Fix) {
	for _, c := range r.Fixes {
		if c.When == "" || fill("{{if "+c.When+"}}so{{end}}", f) != "" {
			return Fix{fill(c.Text, f), fill(c.Dockerfile, f)}
		}
	}
	return fix
}

// Markdown tells of a cause, for its page in docs/causes. looks is how it shows.
func (r Row) Markdown(looks string) string {
	fix := r.fix(r.Example)
	return fmt.Sprintf("**%s.** %s\n\nThe doctor says: %s.\n\n## How it looks\n\n%s\n## Proof and fix\n\n%s\n\n%s\n\n    %s\n",
		r.Title, r.Meaning, fill(r.Summary, r.Example), looks, r.Proof, fix.Text, strings.ReplaceAll(fix.Dockerfile, "\n", "\n    "))
}

// fill completes one of the texts; a test holds all of them well-formed.
func fill(text string, f facts) string {
	var out strings.Builder
	if err := template.Must(template.New("").Funcs(quoting).Parse(text)).Execute(&out, f); err != nil {
		panic(err)
	}
	return out.String()
}

// execForm writes words as ENTRYPOINT and CMD take them.
func execForm(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		text, _ := json.Marshal(w)
		quoted[i] = string(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// What stands in an image goes into lines of a Dockerfile that people paste. There
// a name with blanks, quotes or line ends must stay the one word that it is.
var quoting = template.FuncMap{"copy": copyWords, "shell": shellWord, "list": execForm, "sed": sedText.Replace, "quote": strconv.Quote,
	"begins": strings.HasPrefix}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_./@%+=:,~-]*$`)
	control   = regexp.MustCompile(`[[:cntrl:]]`)

	copyText = strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`, `$`, `\$`)
	sedText  = strings.NewReplacer(`\`, `\\`, `|`, `\|`, `&`, `\&`)
)

// copyWords writes paths as COPY takes them: as a list where one is not plain.
// Quotes and variables mean something there, too.
func copyWords(paths ...string) string {
	if plainWord.MatchString(strings.Join(paths, "")) {
		return strings.Join(paths, " ")
	}
	for i, p := range paths {
		paths[i] = copyText.Replace(p)
	}
	return execForm(paths...)
}

// shellWord writes a word as the shell of RUN takes it. A line end would end the
// instruction: for control characters stands the pattern that matches any one.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return control.ReplaceAllString("'"+strings.ReplaceAll(word, "'", `'\''`)+"'", `'?'`)
}
