package main

import (
	"io/ioutil"
	"net"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The app itself listens, on a free port: what is tested is what the image runs.
func TestMain(m *testing.M) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	os.Setenv("PORT", port)
	go main()
	os.Exit(m.Run())
}

func get(t *testing.T, query string) (*http.Response, string) {
	t.Helper()
	address := "http://127.0.0.1:" + os.Getenv("PORT") + "/" + query
	var response *http.Response
	require.Eventually(t, func() bool {
		var err error
		response, err = http.Get(address)
		return err == nil
	}, 10*time.Second, 20*time.Millisecond, "nothing answers at %s", address)
	defer response.Body.Close()
	body, err := ioutil.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

func TestEchoesTheMessage(t *testing.T) {
	for _, message := range []string{"hello", "", "100 %d", "ä=1&b=<2>\n"} {
		response, body := get(t, "?message="+url.QueryEscape(message))
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, message, body)
		assert.Equal(t, "text/plain; charset=utf-8", response.Header.Get("Content-Type"))
	}
}

func TestEchoesTheRequestWithoutAMessage(t *testing.T) {
	response, body := get(t, "")
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, body, "GET / HTTP/1.1\r\n")
	assert.Contains(t, body, "User-Agent: Go-http-client")
}

func TestKnowsNoOtherPath(t *testing.T) {
	response, _ := get(t, "nothing-here")
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
}
