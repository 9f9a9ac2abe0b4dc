#pragma once
// Free space as a test sets it. For tests alone.

#include <memory>
#include <mutex>

#include "edge/store/space_guard.h"

namespace godwit::store {

class TestSpace {
 public:
  void set_free(std::uint64_t bytes) {
    const std::scoped_lock lock(state_->mutex);
    state_->free = bytes;
  }
  bool held() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->held;
  }
  std::unique_ptr<Space> make() const { return std::make_unique<Fake>(state_); }

 private:
  struct State {
    std::mutex mutex;
    std::uint64_t free = 1 << 30;
    std::uint64_t reserve = 0;
    bool held = false;
  };
  class Fake final : public Space {
   public:
    explicit Fake(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Result<std::uint64_t> free_bytes() override {
      const std::scoped_lock lock(state_->mutex);
      return state_->free;
    }
    Result<void> hold(std::uint64_t bytes) override {
      const std::scoped_lock lock(state_->mutex);
      if (state_->free < bytes) return fail(Error::temporary(Error::Cause::full, "no room for the reserve"));
      state_->free -= bytes;
      state_->reserve = bytes;
      state_->held = true;
      return {};
    }
    Result<void> give_back() override {
      const std::scoped_lock lock(state_->mutex);
      if (std::exchange(state_->held, false)) state_->free += state_->reserve;
      return {};
    }

   private:
    std::shared_ptr<State> state_;
  };

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace godwit::store
