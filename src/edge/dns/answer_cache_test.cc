#include "edge/dns/answer_cache.h"

#include <gtest/gtest.h>

namespace godwit::dns {
namespace {

using std::chrono::seconds;

const SteadyTime kStart{std::chrono::hours(1)};
const Question kMx{"example.org", Type::mx};

Response records(seconds ttl, std::size_t bytes = 4) {
  Response response;
  response.status = Status::records;
  response.security = Security::secure;
  response.ttl = ttl;
  response.canonical = "example.org";
  response.records = std::vector<std::string>{std::string(bytes, 'x')};
  return response;
}

Response absence(Status status, seconds ttl) {
  Response response;
  response.status = status;
  response.ttl = ttl;
  return response;
}

CacheLimits one_shard() {
  CacheLimits limits;
  limits.shards = 1;
  return limits;
}

TEST(AnswerCache, Find_Fresh_TtlIsWhatIsLeft) {
  AnswerCache cache({});
  EXPECT_FALSE(cache.find(kMx, kStart));
  cache.store(kMx, records(seconds(100)), kStart);
  const auto found = cache.find(kMx, kStart + seconds(30));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->ttl, seconds(70));
  EXPECT_EQ(found->security, Security::secure);
  EXPECT_EQ(std::get<std::vector<std::string>>(found->records).at(0), "xxxx");
  EXPECT_FALSE(cache.find({"example.org", Type::txt}, kStart));
  EXPECT_FALSE(cache.find({"example.net", Type::mx}, kStart));
}

TEST(AnswerCache, TimeToKeep_Table) {
  Response bogus = failure(Error::Cause::corrupt, "bogus");
  struct Case {
    const char* name;
    Response response;
    seconds kept;
  };
  const std::vector<Case> cases = {
      {"its own TTL", records(seconds(10)), seconds(10)},
      {"five minutes at most", records(seconds(86'400)), seconds(300)},
      {"no_data, one minute at most", absence(Status::no_data, seconds(3'600)), seconds(60)},
      {"nxdomain, one minute at most", absence(Status::nxdomain, seconds(3'600)), seconds(60)},
      {"nxdomain, its own TTL", absence(Status::nxdomain, seconds(7)), seconds(7)},
      {"servfail", failure(Error::Cause::io, "SERVFAIL"), seconds(5)},
      {"bogus", bogus, seconds(5)},
      {"TTL 0", records(seconds(0)), seconds(0)},
      {"absence without SOA", absence(Status::no_data, seconds(0)), seconds(0)},
      {"timed out", failure(Error::Cause::timed_out, ""), seconds(0)},
      {"cancelled", failure(Error::Cause::cancelled, ""), seconds(0)},
  };
  for (const auto& [name, response, kept] : cases) {
    SCOPED_TRACE(name);
    AnswerCache cache({});
    cache.store(kMx, response, kStart);
    EXPECT_EQ(cache.entries(), kept > seconds(0) ? 1u : 0u);
    if (kept > seconds(0)) EXPECT_TRUE(cache.find(kMx, kStart + kept - Duration(1)));
    EXPECT_FALSE(cache.find(kMx, kStart + kept));
    EXPECT_EQ(cache.entries(), 0u);
    EXPECT_EQ(cache.bytes(), 0u);
  }
}

TEST(AnswerCache, Store_Again_Replaces) {
  AnswerCache cache({});
  cache.store(kMx, records(seconds(10), 100), kStart);
  const std::size_t bytes = cache.bytes();
  cache.store(kMx, records(seconds(20), 100), kStart);
  EXPECT_EQ(cache.entries(), 1u);
  EXPECT_EQ(cache.bytes(), bytes);
  EXPECT_EQ(cache.find(kMx, kStart)->ttl, seconds(20));
  cache.store(kMx, records(seconds(0)), kStart);
  EXPECT_EQ(cache.entries(), 0u);
}

TEST(AnswerCache, Entries_AreBounded_LeastRecentlyUsedGoFirst) {
  CacheLimits limits = one_shard();
  limits.entries = 3;
  AnswerCache cache(limits);
  for (const char* name : {"a", "b", "c"}) cache.store({name, Type::a}, records(seconds(60)), kStart);
  EXPECT_TRUE(cache.find({"a", Type::a}, kStart));
  cache.store({"d", Type::a}, records(seconds(60)), kStart);
  EXPECT_EQ(cache.entries(), 3u);
  EXPECT_TRUE(cache.find({"a", Type::a}, kStart));
  EXPECT_FALSE(cache.find({"b", Type::a}, kStart));
}

TEST(AnswerCache, Bytes_AreBounded) {
  CacheLimits limits = one_shard();
  limits.bytes = 100'000;
  AnswerCache cache(limits);
  for (int i = 0; i < 1'000; ++i) cache.store({std::to_string(i), Type::txt}, records(seconds(60), 1'000), kStart);
  EXPECT_LE(cache.bytes(), 100'000u);
  EXPECT_GT(cache.entries(), 50u);
  EXPECT_TRUE(cache.find({"999", Type::txt}, kStart));
  cache.store({"huge", Type::txt}, records(seconds(60), 50'000), kStart);
  EXPECT_FALSE(cache.find({"huge", Type::txt}, kStart));
  EXPECT_GT(cache.entries(), 50u);
}

}  // namespace
}  // namespace godwit::dns
