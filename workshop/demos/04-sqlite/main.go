// Command echo opens a database in memory: its driver is SQLite, which is C.
package main

import (
	"database/sql"
	"log"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	db, err := sql.Open("sqlite3", ":memory:")
	if err == nil {
		err = db.Ping()
	}
	log.SetFlags(0)
	log.Fatal("the database: ", err)
}
