#pragma once
// Where mail leaves from: sources (a local address of each family, or a proxy; an EHLO name) and pools of them. Values, made of the
// configuration and replaced whole by a reload; any thread.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/metrics.h"
#include "edge/net/stream.h"

namespace godwit::outbound {

class WarmupSchedule;

struct Source {
  std::string name;
  std::string hostname;                              // by which it greets; "": Settings::hostname
  bool v4 = true;                                    // families that it can connect to
  bool v6 = true;                                    //
  bool proxied = false;                              // by way of another machine
  std::shared_ptr<net::Dialer> dialer;               // its failures of the way: net::way_failed()
  std::optional<std::chrono::sys_days> warmup = {};  // its first day, in UTC; nothing: as warm as can be
  // Of recipients, by outcome: delivered, deferred, bounced. Null: not counted.
  metrics::Counter* counters[3] = {};

  void count_for_metrics();
};

struct Pool {
  struct Member {
    std::shared_ptr<const Source> source;
    unsigned weight = 1;  // 1 to 1,000
  };
  std::vector<Member> members;
};

struct Egress {
  std::map<std::string, Pool, std::less<>> pools;
  std::string for_mx;  // the pool of what goes by MX and whose route names none; "": the system chooses the address
  std::shared_ptr<const WarmupSchedule> warmup;  // null: the shipped one

  std::shared_ptr<const Source> find(std::string_view source) const;  // null: in no pool
};

// The members in the order in which they are to be asked to take this message. The first places are shared by weight, and a message has
// always the same order (weighted rendezvous hashing): one that is greylisted comes back from the address that the server knows.
std::vector<std::size_t> in_order(const Pool& pool, MessageId message);

}  // namespace godwit::outbound
