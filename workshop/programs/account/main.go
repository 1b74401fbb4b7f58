// Command echo says at its start whose account it runs under, and then echoes. No line of it is C.
package main

import (
	"log"
	"net/http"
	"os/user"
)

func main() {
	log.SetFlags(0)
	if u, err := user.Current(); err == nil {
		log.Printf("I am %s, %s", u.Uid, u.Username)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if message := r.URL.Query().Get("message"); message != "" {
			w.Write([]byte(message))
			return
		}
		w.Write([]byte("GET / HTTP/1.1\r\nX-Probe: " + r.Header.Get("X-Probe")))
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
