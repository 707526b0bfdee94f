#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# go-on.sh PIDS COMMAND...: runs COMMAND, and resumes the stopped processes meanwhile
# shellcheck disable=SC2086 # several
pids=$1
shift
# Starting sleep takes a busy emulator a third of a second, during which a VM would wait.
if [ "$1" = sleep ]; then
	mkfifo /tmp/go-on.$$
	exec 4<>/tmp/go-on.$$
	rm /tmp/go-on.$$
	kill -CONT $pids
	read -rt "$2" -u 4
	exit 0
fi
kill -CONT $pids
exec "$@"
