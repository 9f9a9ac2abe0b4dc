#include "edge/dns/answer_cache.h"

#include <algorithm>
#include <functional>
#include <list>
#include <mutex>
#include <unordered_map>

namespace godwit::dns {
namespace {

struct Entry {
  Question question;
  Response response;
  SteadyTime stored;
  SteadyTime expires;
  std::size_t bytes = 0;
};

using Entries = std::list<Entry>;

constexpr std::size_t kOverhead = sizeof(Entry) + 80;  // the list's node, the map's node and bucket

std::size_t size_of(const IpAddress&) { return sizeof(IpAddress); }
std::size_t size_of(const Mx& mx) { return sizeof(Mx) + mx.exchange.size(); }
std::size_t size_of(const std::string& text) { return sizeof(std::string) + text.size(); }
std::size_t size_of(const Tlsa& tlsa) { return sizeof(Tlsa) + tlsa.data.size(); }

std::size_t size_of(const Question& question, const Response& response) {
  std::size_t bytes = kOverhead + question.name.size() + response.canonical.size() + response.reason.size();
  std::visit(
      [&](const auto& records) {
        for (const auto& record : records) bytes += size_of(record);
      },
      response.records);
  return bytes;
}

std::chrono::seconds time_to_keep(const Response& response, const CacheLimits& limits) {
  switch (response.status) {
    case Status::records: return std::min(response.ttl, limits.longest);
    case Status::no_data:
    case Status::nxdomain: return std::min(response.ttl, limits.negative);
    case Status::failed: break;
  }
  const bool of_one_asker = response.cause == Error::Cause::timed_out || response.cause == Error::Cause::cancelled;
  return of_one_asker ? std::chrono::seconds(0) : limits.failure;
}

}  // namespace

struct alignas(64) AnswerCache::Shard {
  // keys refer to the questions in the list
  using Key = std::reference_wrapper<const Question>;
  struct Equal {
    bool operator()(const Question& a, const Question& b) const { return a == b; }
  };

  void erase(Entries::iterator entry) {
    bytes -= entry->bytes;
    by_question.erase(std::cref(entry->question));
    entries.erase(entry);
  }

  mutable std::mutex mutex;
  Entries entries;  // the most recently used first
  std::unordered_map<Key, Entries::iterator, QuestionHash, Equal> by_question;
  std::size_t bytes = 0;
};

AnswerCache::AnswerCache(const CacheLimits& limits) : limits_(limits) {
  limits_.shards = std::max<std::size_t>(limits_.shards, 1);
  limits_.entries = std::max<std::size_t>(limits_.entries / limits_.shards, 1);
  limits_.bytes /= limits_.shards;
  shards_ = std::make_unique<Shard[]>(limits_.shards);
}

AnswerCache::~AnswerCache() = default;

AnswerCache::Shard& AnswerCache::shard(const Question& question) const {
  return shards_[(QuestionHash{}(question) >> 20) % limits_.shards];
}

std::optional<Response> AnswerCache::find(const Question& question, SteadyTime now) {
  Shard& home = shard(question);
  const std::lock_guard lock(home.mutex);
  const auto found = home.by_question.find(std::cref(question));
  if (found == home.by_question.end()) return std::nullopt;
  const auto entry = found->second;
  if (entry->expires <= now) {
    home.erase(entry);
    return std::nullopt;
  }
  home.entries.splice(home.entries.begin(), home.entries, entry);
  Response response = entry->response;
  const auto age = std::chrono::ceil<std::chrono::seconds>(now - entry->stored);
  response.ttl = std::max(response.ttl - age, std::chrono::seconds(0));
  return response;
}

void AnswerCache::store(const Question& question, const Response& response, SteadyTime now) {
  const auto keep = time_to_keep(response, limits_);
  const std::size_t bytes = size_of(question, response);
  Shard& home = shard(question);
  const std::lock_guard lock(home.mutex);
  if (const auto old = home.by_question.find(std::cref(question)); old != home.by_question.end()) home.erase(old->second);
  if (keep <= std::chrono::seconds(0) || bytes > limits_.bytes / 8) return;
  home.entries.push_front({question, response, now, now + keep, bytes});
  home.by_question.emplace(std::cref(home.entries.front().question), home.entries.begin());
  home.bytes += bytes;
  while (home.entries.size() > limits_.entries || home.bytes > limits_.bytes) home.erase(std::prev(home.entries.end()));
}

std::size_t AnswerCache::entries() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < limits_.shards; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    sum += shards_[i].entries.size();
  }
  return sum;
}

std::size_t AnswerCache::bytes() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < limits_.shards; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    sum += shards_[i].bytes;
  }
  return sum;
}

}  // namespace godwit::dns
