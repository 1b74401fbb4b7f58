package report

import (
	"fmt"
	"html/template"
	"strings"

	"optimizing-dockerfile/internal/lesson/table"
)

// Figure is a number, and where it stands: what shows it can be held against that.
type Figure struct {
	Of    string
	Value int64
}

// figure shows a size as docker does.
func figure(f Figure) template.HTML {
	return template.HTML(fmt.Sprintf(`<data value="%d" data-of="%s">%s</data>`, f.Value, template.HTMLEscapeString(f.Of), table.Size(f.Value)))
}

// number shows it to the last byte, in groups of three digits.
func number(f Figure) template.HTML {
	digits := fmt.Sprint(f.Value)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return template.HTML(fmt.Sprintf(`<data value="%d" data-of="%s">%s</data>`, f.Value, template.HTMLEscapeString(f.Of), digits))
}

// prose shows what stands between backticks as code.
func prose(text string) template.HTML {
	var out strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		out.WriteString(part)
	}
	return template.HTML(out.String())
}
