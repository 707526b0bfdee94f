# SPDX-License-Identifier: GPL-2.0
"""For perf script -s: prints each event as one line, a JSON list of its name, time, process,
thread, CPU, the kernel's common_flags, and a dictionary of its own fields."""
import json

import perf_trace_context


def trace_unhandled(name, context, fields, sample):
    at = sample["sample"]
    own = {key: value for key, value in fields.items() if not key.startswith("common_")}
    print(json.dumps([name, at["time"], at["pid"], at["tid"], at["cpu"],
                      perf_trace_context.common_flags(context), own]))
