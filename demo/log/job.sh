#!/bin/sh
# Runs a command as a job: its output goes to NAME.log, and its exit code, once it is over, to NAME.exit.
#
#   sh demo/log/job.sh jobs/42 npm test
name=$1
shift
echo $$ >"$name.pid"
"$@" >"$name.log" 2>&1
echo $? >"$name.part"
mv "$name.part" "$name.exit"
