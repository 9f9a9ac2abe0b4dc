#pragma once
// The name under which tools (top -H, perf, gdb) show the calling thread.

namespace godwit {

// At most 15 characters; longer names are cut.
void name_this_thread(const char* name);

}  // namespace godwit
