// Of the programs of exercises, lessons and images to judge. They are compiled in images; those with Gin by start/go.mod.
module echo

go 1.15
