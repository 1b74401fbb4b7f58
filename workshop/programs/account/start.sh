#!/bin/sh
echo "starting at $(date +%H:%M)"
exec /echo
