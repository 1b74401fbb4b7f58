package doctor

import "context"

// advise looks for what could be better, whether the image starts or not.
func (x *examination) advise(context.Context) error { return nil }
