#pragma once
// How much a new source may send: so many messages a day to a site, more from day to day, until it is as warm as the others. Who judges
// senders by their address mistrusts one that was silent yesterday and sends a million today.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace godwit::outbound {

// The table: TOML (share/warmup.toml has the format and the shipped one). Immutable; any thread.
class WarmupSchedule {
 public:
  static constexpr std::size_t kDays = 365;

  // Texts of tables: what the earlier ones say stands before the later ones. Errors give line, key and mend.
  static Result<std::shared_ptr<const WarmupSchedule>> parse(const std::vector<std::string_view>& tables);
  // The shipped table, alone or behind the one of this file. Errors are of the file and begin with its path.
  static std::shared_ptr<const WarmupSchedule> shipped();
  static Result<std::shared_ptr<const WarmupSchedule>> load(const std::string& path);

  // What counts as one site is a pattern of hosts: all of a provider's sites together ("*.google.com"), or this host alone.
  struct Ceiling {
    std::string site;
    std::uint64_t messages = 0;  // that day
  };
  // `day`: 0 is the first; nothing: the source is warm (or its first day is to come: then 0 messages). `host`: the most preferred one.
  std::optional<Ceiling> ceiling(std::string_view host, std::chrono::days day) const;

 private:
  struct Steps {
    std::string match;
    std::vector<std::uint64_t> daily;
  };
  std::vector<Steps> sites_;  // the first that matches counts; the last matches everything
};

// What was sent today, by source and site. Made by make_shared. Kept in a file by its owner, so that a restart does not begin the day anew.
// Any thread: a lock for each message of a source that is still warming up.
class WarmupLedger : public std::enable_shared_from_this<WarmupLedger> {
 public:
  // A place under the ceiling: given back by its end, unless the message was delivered.
  class Place {
   public:
    Place(std::shared_ptr<WarmupLedger> ledger, std::string source, std::string site, std::chrono::sys_days day)
        : ledger_(std::move(ledger)), source_(std::move(source)), site_(std::move(site)), day_(day) {}
    ~Place() {
      if (!kept_) ledger_->give_back(*this);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    void keep() { kept_ = true; }

   private:
    friend class WarmupLedger;
    std::shared_ptr<WarmupLedger> ledger_;
    std::string source_;
    std::string site_;
    std::chrono::sys_days day_;
    bool kept_ = false;
  };

  // Null: the ceiling is reached.
  std::shared_ptr<Place> take(const std::string& source, const WarmupSchedule::Ceiling& ceiling, std::chrono::sys_days day);
  std::uint64_t sent(const std::string& source, const std::string& site) const;

  // docs/formats/warmup.md. A text that is none is refused whole: nothing is known then, and the counts begin with 0.
  std::string text() const;
  Result<void> read(std::string_view text);
  bool changed() const;  // since the last text()

 private:
  void give_back(const Place& place);
  void turn_to(std::chrono::sys_days day);

  mutable std::mutex mutex_;
  std::chrono::sys_days day_{};
  std::map<std::pair<std::string, std::string>, std::uint64_t> sent_;  // of day_
  mutable bool changed_ = false;
};

}  // namespace godwit::outbound
