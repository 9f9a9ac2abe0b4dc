#include "app/allocator.h"

#include <cstddef>

#include "base/log.h"

// jemalloc's own control (jemalloc(3)); absent where another allocator is linked, under sanitizers for one.
extern "C" int mallctl(const char* name, void* old_value, std::size_t* old_length, void* new_value, std::size_t new_length)
    __attribute__((weak));

namespace godwit::app {

void give_memory_back_when_idle() {
  bool on = true;
  if (mallctl && mallctl("background_thread", nullptr, nullptr, &on, sizeof on) != 0)
    log::warning("the allocator gives memory back only while the server works");
}

}  // namespace godwit::app
