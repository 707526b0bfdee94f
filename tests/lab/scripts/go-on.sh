#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# go-on.sh PIDS COMMAND...: COMMAND, while the processes that stood still go on
# shellcheck disable=SC2086 # several
kill -CONT $1
shift
exec "$@"
