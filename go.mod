module optimizing-dockerfile

go 1.24.2
