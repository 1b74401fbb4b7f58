// Command hostile is a step's program that does harm: which, BEHAVIOUR says.
package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 { // a child of forkWithoutEnd
		time.Sleep(time.Hour)
	}
	switch os.Getenv("BEHAVIOUR") {
	case "floods":
		go flood([]byte("all is well\n"))
		http.ListenAndServe(":8080", http.HandlerFunc(echo))
	case "floods-in-silence":
		flood([]byte("all is well\n"))
	case "floods-without-line-ends":
		time.AfterFunc(4*time.Second, func() { os.Exit(3) })
		flood([]byte("x"))
	case "escapes":
		fmt.Print("\x1b]0;owned\a\x1b[2J\x1b[31mred\rover\b\u009b31m\u202etxt\x9b\xff\n")
		os.Exit(3)
	case "ignores-sigterm":
		signal.Ignore()
		http.ListenAndServe(":8080", answer(func(w http.ResponseWriter) { fmt.Fprint(w, "\x1b[31mno") }))
	case "forks":
		forkWithoutEnd()
	case "threads":
		makeThreads()
	case "a-byte-at-a-time":
		http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, b := range []byte(r.URL.Query().Get("message")) {
				w.Write([]byte{b})
				w.(http.Flusher).Flush()
				time.Sleep(time.Second)
			}
		}))
	case "for-ever":
		http.ListenAndServe(":8080", answer(func(w http.ResponseWriter) {
			for block := bytes.Repeat([]byte("x"), 1<<16); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}))
	case "headers-for-ever":
		listener, _ := net.Listen("tcp", ":8080")
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				fmt.Fprint(connection, "HTTP/1.1 200 OK\r\n")
				for block := bytes.Repeat([]byte("X-Header: x\r\n"), 5000); err == nil; {
					_, err = connection.Write(block)
				}
			}()
		}
	case "sends-elsewhere":
		http.ListenAndServe(":8080", http.RedirectHandler("http://127.0.0.1:22/", http.StatusFound))
	case "listens-elsewhere":
		http.ListenAndServe(":8081", http.HandlerFunc(echo))
	}
}

// echo is right: as a step's program answers.
func echo(w http.ResponseWriter, r *http.Request) {
	if message := r.URL.Query().Get("message"); message != "" {
		fmt.Fprint(w, message)
		return
	}
	fmt.Fprintf(w, "%s %s %s\r\n", r.Method, r.URL, r.Proto)
	r.Header.Write(w)
}

func answer(write func(http.ResponseWriter)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { write(w) })
}

// flood prints a gigabyte, and then sleeps: the machine that tests this is somebody's.
func flood(text []byte) {
	block := bytes.Repeat(text, 1<<16/len(text))
	for n := 0; n < 1<<30; n += len(block) {
		os.Stdout.Write(block)
	}
	time.Sleep(time.Hour)
}

// forkWithoutEnd makes children as long as it may. It stops at a number that a
// machine stands, far above what it may have here, if nothing else stops it.
func forkWithoutEnd() {
	for n := 0; n < 300; {
		if exec.Command("/proc/self/exe", "hostile-child").Start() == nil {
			n++
		} else {
			time.Sleep(time.Millisecond)
		}
	}
	http.ListenAndServe(":8080", http.HandlerFunc(echo)) // nothing has bounded it
}

// makeThreads makes more threads than it may have, after some children.
// Go's runtime ends the program where it gets none.
func makeThreads() {
	for i := 0; i < 10; i++ {
		exec.Command("/proc/self/exe", "hostile-child").Start()
	}
	for i := 0; i < 700; i++ {
		go func() {
			runtime.LockOSThread()
			syscall.Pause()
		}()
	}
	time.Sleep(2 * time.Second)
	http.ListenAndServe(":8080", http.HandlerFunc(echo)) // nothing has bounded it
}
