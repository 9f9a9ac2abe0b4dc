#pragma once
// The TTL map in front of libunbound: an answer found here costs no hop to its thread.
//
// Shared by all loops, any thread; split into shards, each under its own lock, which is held for a look or a copy.
// Bounded in entries and bytes: the least recently used go first. Time is passed in.

#include <cstddef>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "edge/dns/record.h"

namespace godwit::dns {

struct CacheLimits {
  std::size_t entries = 32'768;
  std::size_t bytes = 16u << 20;
  std::chrono::seconds longest{300};  // however long the TTL is; libunbound behind keeps to the real one
  std::chrono::seconds negative{60};  // no_data and nxdomain
  std::chrono::seconds failure{5};    // failed, but for `timed_out` and `cancelled`, which are one asker's
  std::size_t shards = 16;            // entries and bytes are shared out evenly
};

class AnswerCache {
 public:
  explicit AnswerCache(const CacheLimits& limits);
  ~AnswerCache();

  // The answer with what is left of its TTL, if it is still fresh.
  std::optional<Response> find(const Question& question, SteadyTime now);
  // An answer of TTL 0 is not kept (RFC 1035 3.2.1), nor one that would take an eighth of its shard.
  void store(const Question& question, const Response& response, SteadyTime now);

  std::size_t entries() const;
  std::size_t bytes() const;  // as counted against the limit: an estimate of the memory taken

 private:
  struct Shard;
  Shard& shard(const Question& question) const;

  CacheLimits limits_;
  std::unique_ptr<Shard[]> shards_;
};

}  // namespace godwit::dns
