module echo

go 1.15

require github.com/mattn/go-sqlite3 v1.14.6
