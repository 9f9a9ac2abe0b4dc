#pragma once
// How many jobs are out at each site, and which messages wait for their turn by id alone, so that slow sites never take the
// whole window: a site may have as many jobs out as the window has room beside all that are out. One slow site thus takes half,
// two a third each, and there is always a share left for the others. One loop.

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.h"

namespace godwit::scheduler {

class Sites {
 public:
  // Ids that may be parked in all (16 bytes each and their entry). Beyond it messages stay in the window.
  static constexpr std::size_t kMaxParked = 100'000;

  void job_out(const std::string& site);
  // true: messages are parked here, and there is room for some of them again.
  bool job_back(const std::string& site, std::size_t window);

  bool must_park(const std::string& site, std::size_t window) const;
  void park(const std::string& site, MessageId id);
  // Parked messages, at most `limit`, whose sites have come down to half of what they may have.
  std::vector<MessageId> unpark(std::size_t window, std::size_t limit);
  std::size_t parked() const { return parked_; }

 private:
  struct Load {
    std::size_t out = 0;
    std::deque<MessageId> parked;
  };
  std::size_t share(std::size_t window) const { return window > out_ ? window - out_ : 0; }

  std::unordered_map<std::string, Load> loads_;
  std::size_t out_ = 0;
  std::size_t parked_ = 0;
};

}  // namespace godwit::scheduler
