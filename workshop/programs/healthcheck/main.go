// Command echo sends back the message it is given, or, without one, the request itself.
// `echo -check` asks the one that is running whether it answers: a health check that needs no shell.
package main

import (
	"net/http"
	"net/http/httputil"
	"os"

	"github.com/gin-gonic/gin"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	if len(os.Args) > 1 && os.Args[1] == "-check" {
		os.Exit(check(port))
	}
	r := gin.Default()
	r.GET("/", func(c *gin.Context) {
		if message, ok := c.GetQuery("message"); ok {
			c.String(200, "%s", message)
			return
		}
		request, _ := httputil.DumpRequest(c.Request, false)
		c.String(200, "%s", request)
	})
	if err := r.Run(":" + port); err != nil {
		os.Exit(1)
	}
}

func check(port string) (status int) {
	response, err := http.Get("http://127.0.0.1:" + port + "/?message=well")
	if err != nil || response.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}
