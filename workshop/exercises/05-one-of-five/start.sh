#!/bin/sh
export GIN_MODE=release
exec /echo
