#pragma once
// The allocator of the release is jemalloc (docs/adr): with the C library's, receiving a message cost a quarter more CPU.

namespace godwit::app {

// Starts the thread that returns freed memory to the system also while nothing happens. Call after privileges are dropped: a
// thread made before would keep them.
void give_memory_back_when_idle();

}  // namespace godwit::app
