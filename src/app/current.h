#pragma once
// A value that a reload replaces whole; readers keep what they took. Any thread.

#include <atomic>
#include <memory>
#include <utility>

namespace godwit::app {

template <class T>
class Current {
 public:
  std::shared_ptr<const T> get() const { return value_.load(std::memory_order_acquire); }
  void set(std::shared_ptr<const T> value) { value_.store(std::move(value), std::memory_order_release); }

 private:
  std::atomic<std::shared_ptr<const T>> value_;
};

}  // namespace godwit::app
