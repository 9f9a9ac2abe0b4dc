#pragma once
// Ends a wait from elsewhere on the same loop. Owned by who may cancel; the waiting side arms it while it waits.

#include <functional>
#include <utility>

namespace godwit::net {

class Cancellation {
 public:
  // What is armed is called; what arms later is called at once.
  void cancel() {
    cancelled_ = true;
    if (const auto call = std::exchange(call_, nullptr)) call();
  }
  bool cancelled() const { return cancelled_; }

  // While it lives, cancel() makes `call`. One at a time; `cancellation` may be null.
  class Armed {
   public:
    Armed(Cancellation* cancellation, std::function<void()> call) : cancellation_(cancellation) {
      if (!cancellation_) return;
      cancellation_->call_ = std::move(call);
      if (cancellation_->cancelled_) cancellation_->cancel();
    }
    ~Armed() {
      if (cancellation_) cancellation_->call_ = nullptr;
    }
    Armed(const Armed&) = delete;
    Armed& operator=(const Armed&) = delete;

   private:
    Cancellation* cancellation_;
  };

 private:
  std::function<void()> call_;
  bool cancelled_ = false;
};

}  // namespace godwit::net
