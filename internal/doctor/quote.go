package doctor

import (
	"regexp"
	"strings"
	"text/template"
)

// What stands in an image goes into lines of a Dockerfile that people paste. There
// a name with blanks, quotes or line ends must stay the one word that it is.
var quoting = template.FuncMap{"copy": copyWords, "shell": shellWord, "list": execForm, "sed": sedText.Replace}

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
