module echo

go 1.15
