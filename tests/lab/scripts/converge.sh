# SPDX-License-Identifier: GPL-2.0
# Migrations by QEMU, and recordings of the pages that they have to send: see converge.py.
. /src/tests/lab/scripts/lib.sh
step converge python3 /src/tests/lab/scripts/converge.py converge
