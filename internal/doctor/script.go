package doctor

import (
	"bytes"
	"strings"
)

// headBytes is how much of a file the kernel looks at to tell its format
// (BINPRM_BUF_SIZE): a longer first line of a script is cut there.
const headBytes = 256

// maxScripts is how many scripts may be each other's interpreters before the
// kernel gives up with ELOOP (exec_binprm in fs/exec.c).
const maxScripts = 5

// shebang is the first line of a script, as the kernel's load_script takes it.
type shebang struct {
	line   string // without "#!" and the end of the line
	interp string
	arg    string // all that follows, as one argument
	crlf   bool   // the line ends in a carriage return, which becomes part of the last word

	file  place    // the script
	words []string // its path and its arguments
}

// parseShebang parses a file's first bytes; ok is false where the kernel says
// ENOEXEC: no interpreter is named, or its name is cut off.
func parseShebang(head []byte) (s shebang, ok bool) {
	body := head[2:]
	end := bytes.IndexByte(body, '\n')
	if end < 0 {
		// The end of the file ends the line too; but in a head that is full, the name must be whole.
		if end = bytes.IndexByte(body, 0); end < 0 {
			end = len(body)
		}
		if len(head) >= headBytes && !strings.ContainsAny(strings.TrimLeft(string(body[:end]), " \t"), " \t") {
			return s, false
		}
	}
	s.line = string(body[:end])
	s.crlf = strings.HasSuffix(s.line, "\r")
	rest := strings.Trim(s.line, " \t")
	cut := strings.IndexAny(rest, " \t\x00")
	if cut < 0 {
		cut = len(rest)
	}
	s.interp = rest[:cut]
	s.arg = strings.TrimLeft(rest[cut:], " \t")
	if i := strings.IndexByte(s.arg, 0); i >= 0 {
		s.arg = s.arg[:i]
	}
	return s, s.interp != ""
}

// firstLineWords are the interpreter and its option of a first line that the kernel does not take.
func firstLineWords(head []byte) []string {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	line, _, ok := bytes.Cut(head, []byte("\n"))
	if !ok || !bytes.HasPrefix(line, []byte("#!")) {
		return nil
	}
	words := strings.Fields(string(line[2:]))
	if len(words) > 2 {
		words = []string{words[0], strings.Join(words[1:], " ")}
	}
	return words
}
