package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"optimizing-dockerfile/test/tool"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw sends bytes as they are, and reads what comes back, up to a size.
func raw(t *testing.T, url, request string, most int64) (*http.Response, []byte) {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(connection, request)
	method, _, _ := strings.Cut(request, " ")
	answer, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		return nil, nil
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, most))
	return answer, text
}

// Whatever way leads out of what is served is no way: cleaned by nobody, sent as it is.
func TestFaultServeWaysOut(t *testing.T) {
	file, url, _ := tool.Serving(t, 1000)
	secret := filepath.Join(filepath.Dir(file), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("of the disk"), 0o644))
	up := strings.Repeat("../", 12)
	var ways []string
	for _, path := range []string{secret, file, "/etc/passwd", "/proc/self/environ", "/proc/self/cmdline"} {
		for _, way := range []string{
			path, "/" + path, "/" + up + path, "/bin/" + up + path, "/bundle.tar/" + up + path, "/get.sh/" + up + path,
			"/%2e%2e/" + strings.ReplaceAll(up, "../", "%2e%2e/") + path, "/..%2f" + strings.ReplaceAll(path, "/", "%2f"),
			"/%252e%252e%252f" + path, `/..\..\..\` + path, "/..%5c..%5c" + path, "/bin/steps-linux-amd64%00/" + up + path,
			"/..;" + path, "//" + up + path, "/./" + up + path, "http://teacher:8000/" + up + path, "file://" + path,
			"/?file=" + path, "/report.html/" + up + path, "/bin/steps-linux-amd64/" + up + path, "/\xc0\xae\xc0\xae/" + path,
		} {
			ways = append(ways, way)
		}
	}
	ways = append(ways, "*", "", "bundle.tar", "/bin", "/bin/", "/images/", "/images/article-amd64.tar.gz", "/steps/steps.yaml",
		"/manifest.json", "/SHA256SUMS", "/.git/config", "/bundle.tar/", "/BUNDLE.TAR", "/debug/pprof/")
	for _, way := range ways {
		for _, method := range []string{"GET", "POST", "PUT", "CONNECT"} {
			answer, text := raw(t, url, method+" "+way+" HTTP/1.1\r\nHost: teacher:8000\r\nConnection: close\r\n\r\n", 1<<20)
			if answer == nil {
				continue
			}
			if answer.StatusCode == http.StatusOK { // /?file= is the page itself, and a server's own `OPTIONS *`
				assert.Regexp(t, `^/\?file=`, way, "%s %s", method, way)
			}
			for _, of := range []string{"of the disk", "root:x:", "PATH=", "PAX"} {
				assert.NotContains(t, string(text), of, "%s %s", method, way)
			}
		}
	}
	answer, _ := raw(t, url, "GET /get.sh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 1<<20)
	require.NotNil(t, answer)
	assert.Equal(t, 200, answer.StatusCode, "it serves on")
	Row(t, "serve: paths out of what is served, raw, encoded, absolute, by four methods", "%d requests, 0 bytes of the disk", 4*len(ways))
}

// Requests that nobody writes by hand end in an answer or a closed connection.
func TestFaultServeStrangeRequests(t *testing.T) {
	_, url, server := tool.Serving(t, 1000)
	const head = "GET / HTTP/1.1\r\nHost: teacher:8000\r\n"
	tried := 0
	for name, c := range map[string]struct {
		request  string
		statuses []int // 0: closed without an answer
	}{
		"a huge header":     {head + "X: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", []int{431, 0}},
		"many headers":      {head + strings.Repeat("X: x\r\n", 100_000) + "\r\n", []int{431, 0}},
		"a huge path":       {"GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: a\r\n\r\n", []int{431, 0}},
		"a huge host":       {"GET /get.sh HTTP/1.1\r\nHost: " + strings.Repeat("x", 10_000) + "\r\n\r\n", []int{200, 400}},
		"no host":           {"GET /get.sh HTTP/1.1\r\n\r\n", []int{400}},
		"two hosts":         {"GET /get.sh HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", []int{400}},
		"an old client":     {"GET /get.sh HTTP/1.0\r\n\r\n", []int{400}},
		"a script as host":  {"GET / HTTP/1.1\r\nHost: <script>alert(1)</script>\r\n\r\n", []int{400}},
		"no HTTP":           {"hello\r\n\r\n", []int{400}},
		"a handshake":       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400, 0}},
		"two lengths":       {head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", []int{400}},
		"a smuggled one":    {head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{200, 400}},
		"a body that grows": {head + "Content-Length: 99999999999\r\nConnection: close\r\n\r\nx", []int{200}},
		"a line end in it":  {"GET /a\nb HTTP/1.1\r\nHost: a\r\n\r\n", []int{400}},
	} {
		tried++
		answer, _ := raw(t, url, c.request, 1<<20)
		status := 0
		if answer != nil {
			status = answer.StatusCode
		}
		assert.Contains(t, c.statuses, status, name)
	}
	answer, _ := raw(t, url, head+"Connection: close\r\n\r\n", 1<<20)
	require.NotNil(t, answer)
	assert.Equal(t, 200, answer.StatusCode, "it serves on")
	if runtime.GOOS == "linux" {
		assert.Less(t, tool.PeakMemory(t, server.Process.Pid), int64(100*tool.Megabyte))
	}
	Row(t, "serve: huge headers, no hosts, two lengths, smuggled and broken requests", "%d requests, each refused or answered right", tried)
}

// Parts of a download, at all edges: what comes is what was asked for, or no part.
func TestFaultServeRanges(t *testing.T) {
	file, url, server := tool.Serving(t, 3*tool.Megabyte)
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	size := len(whole)
	last := strconv.Itoa(size - 1)
	tried := 0
	for ranges, c := range map[string]struct {
		status     int
		from, till int
	}{
		"0-0":                        {206, 0, 1},
		"-1":                         {206, size - 1, size},
		"0-":                         {206, 0, size},
		last + "-":                   {206, size - 1, size},
		last + "-" + last:            {206, size - 1, size},
		"5-999999999999":             {206, 5, size},
		"-999999999999":              {206, 0, size},
		strconv.Itoa(size) + "-":     {416, 0, 0},
		"99999999999999999999-":      {416, 0, 0},
		"-0":                         {206, size, size}, // no byte, says net/http
		"5-3":                        {416, 0, 0},
		"--1":                        {416, 0, 0},
		"a-b":                        {416, 0, 0},
		"-":                          {416, 0, 0},
		"0x0-0x1":                    {416, 0, 0},
		"":                           {200, 0, size},
		strings.Repeat("0-,", 3000):  {200, 0, size}, // thousands of the whole: it comes once
		strings.Repeat("0-9,", 2000): {206, -1, -1},
		"0-9,5-14":                   {206, -1, -1},
		"0-0," + last + "-" + last:   {206, -1, -1},
		strings.Repeat("0-,", 90000): {431, -1, -1},
	} {
		tried++
		answer, text := raw(t, url, "GET /bundle.tar HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: bytes="+ranges+"\r\n\r\n", 2*int64(size))
		short := ranges[:min(20, len(ranges))]
		if !assert.NotNil(t, answer, short) {
			continue
		}
		assert.Equal(t, c.status, answer.StatusCode, short)
		if c.from < 0 || c.status == 416 {
			assert.LessOrEqual(t, len(text), size+1<<20, "%s: no more than there is", short)
			continue
		}
		assert.Equal(t, whole[c.from:c.till], text, short)
	}
	for _, header := range []string{"If-Range: \"another\"", "If-Match: \"another\"", "If-None-Match: *"} {
		tried++
		answer, _ := raw(t, url, "GET /bundle.tar HTTP/1.1\r\nHost: a\r\nConnection: close\r\nRange: bytes=5-9\r\n"+header+"\r\n\r\n", 2*int64(size))
		require.NotNil(t, answer)
		assert.Contains(t, []int{200, 304, 412}, answer.StatusCode, "%s: another bundle's part is none of this one's", header)
	}
	memory := int64(0)
	if runtime.GOOS == "linux" {
		memory = tool.PeakMemory(t, server.Process.Pid)
		assert.Less(t, memory, int64(100*tool.Megabyte))
	}
	Row(t, "serve: ranges of 0-0, -1, beyond the end, overlapping, thousands of them", "%d requests, every byte right, %d MB of memory", tried, memory/tool.Megabyte)
}

// A crowd of slow clients, and downloads that are broken off: the others are
// served, the memory is bounded, and afterwards nothing of it is left.
func TestFaultServeACrowd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it looks into /proc")
	}
	crowd := 100
	if Wanted() {
		crowd = 1000
	}
	_, url, server := tool.Serving(t, 30*tool.Megabyte)
	_, first := raw(t, url, "GET /get.sh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 1<<20)
	descriptors := func() int {
		all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", server.Process.Pid))
		require.NoError(t, err)
		return len(all)
	}
	before := descriptors()
	clients := make([]net.Conn, 0, crowd)
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	for i := range crowd {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		clients = append(clients, c)
		switch i % 4 {
		case 0: // asks for all of it, and takes nothing
			io.WriteString(c, "GET /bundle.tar HTTP/1.1\r\nHost: a\r\n\r\n")
		case 1: // takes some of it, and goes away
			io.WriteString(c, "GET /bundle.tar HTTP/1.1\r\nHost: a\r\n\r\n")
			io.CopyN(io.Discard, c, 100_000)
			c.Close()
		case 2: // never comes to the end of its question
			io.WriteString(c, "GET /bundle.tar HTTP/1.1\r\nX-Slow: ")
		case 3: // says nothing
		}
	}
	answer, text := raw(t, url, "GET /get.sh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 1<<20)
	require.NotNil(t, answer, "somebody else is served meanwhile")
	assert.Equal(t, first, text)
	answer, text = raw(t, url, "GET /bundle.tar HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 100*tool.Megabyte)
	require.NotNil(t, answer)
	assert.Equal(t, answer.ContentLength, int64(len(text)), "with all of the bundle")
	at := descriptors()
	assert.GreaterOrEqual(t, at-before, crowd/4, "they are really there")
	// Half of the crowd does not ask: the server lets them go by itself.
	assert.Eventually(t, func() bool { return descriptors()-before <= crowd/4+5 }, time.Minute, 200*time.Millisecond)
	for _, c := range clients {
		c.Close()
	}
	assert.Eventually(t, func() bool { return descriptors() <= before }, time.Minute, 200*time.Millisecond, "descriptors left open")
	peak := tool.PeakMemory(t, server.Process.Pid)
	assert.Less(t, peak, int64(200*tool.Megabyte))
	require.NoError(t, server.Process.Signal(os.Interrupt))
	assert.NoError(t, server.Wait())
	Row(t, "serve: a crowd that asks and takes nothing, breaks off, never ends its question, or is silent",
		"%d connections, %d MB of memory, descriptors %d before, %d at the height, %d after", crowd, peak/tool.Megabyte, before, at, before)
}
