// Command echo sends back the message it is given, or, without one, the request itself.
package main

import (
	"net/http/httputil"
	"os"

	"github.com/gin-gonic/gin"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
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
