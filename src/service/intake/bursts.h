#pragma once
// An account that suddenly sends far more than it ever did: most likely somebody else has its password. Its new mail is then held (a
// rule of the queue, durable, before the message that went too far is accepted), until an administrator says that it may go on.
//
// The habit of an account is the most recipients that it had within an hour on its best day, fading by half in two weeks; a day
// counts once it is over, so that nobody works his way up within one. Any loop. Habits are kept in memory and saved now and then: what
// a crash takes is minutes of counting.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/task.h"
#include "edge/store/disk.h"
#include "state/queue/queue.h"

namespace godwit::intake {

struct BurstSettings {
  std::uint64_t factor = 10;       // times the habit; 0: nobody is ever held
  std::uint64_t recipients = 500;  // within an hour: nobody is held for less
  std::vector<Network> exempt;     // loopback is, too
};

class Bursts {
 public:
  using OnHeld = std::function<void(const std::string& account, const std::string& why)>;
  Bursts(queue::Queue& queue, Clock& clock, std::function<std::shared_ptr<const BurstSettings>()> settings, OnHeld on_held);

  // A message of an account is about to be accepted. If it goes too far, the rule stands when this returns, whichever message of the
  // account made it; a rule that was removed by other means than forgive() is made again.
  Task<> count(std::string account, std::size_t recipients, IpAddress from);
  // Its mail goes on, and what it has just sent is its habit now. true: it had been held. What was held stays so.
  Task<Result<bool>> forgive(std::string account);

  // Blocking. A file that is missing or cannot be read is no habits.
  void load(store::Disk& disk, const std::string& path);
  Result<void> save(store::Disk& disk, const std::string& path);

 private:
  struct Habit {
    double recent = 0;  // recipients, fading: about those of the last hour
    double peak = 0;    // most of `recent` today
    double usual = 0;   // of earlier days
    WallTime last{};
  };
  void fade(Habit& habit, WallTime now) const;
  std::string too_far(const std::string& account, std::size_t recipients, const BurstSettings& settings);
  Task<> hold(std::string account, std::string why);

  queue::Queue& queue_;
  Clock& clock_;
  const std::function<std::shared_ptr<const BurstSettings>()> settings_;
  const OnHeld on_held_;
  std::mutex mutex_;
  std::unordered_map<std::string, Habit> habits_;
  std::unordered_map<std::string, std::vector<Resume<bool>>> being_held_;  // their rule is being written; who waits for it
};

}  // namespace godwit::intake
