module echo

go 1.15

require (
	github.com/gin-gonic/gin v1.6.3
	github.com/stretchr/testify v1.8.2
)
