#pragma once
// What the tests of the segment store share: one on a forgetful disk with small segments, and bodies made from a number.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "edge/store/segments.h"
#include "testing/forgetful_disk.h"
#include "testing/memory_engine.h"
#include "testing/test_loop.h"

namespace godwit::store {

inline std::string make_body(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed * 977 + size);
  std::string body(size, '\0');
  for (char& c : body) c = static_cast<char>(random());
  return body;
}

inline Task<Result<BlobId>> put_blob(Blobs& blobs, Partition partition, std::uint64_t owner, std::string body, std::size_t piece = 5000) {
  const auto writer = blobs.begin(partition, owner);
  for (std::size_t at = 0; at < body.size(); at += piece) {
    const std::string part = body.substr(at, piece);
    GODWIT_CO_TRY(co_await writer->append(part));
  }
  GODWIT_CO_ASSIGN(const BlobId id, co_await writer->finish());
  GODWIT_CO_TRY(co_await writer->synced());
  co_return id;
}

inline Task<Result<std::string>> get_blob(Blobs& blobs, BlobId id, std::size_t piece = 3000) {
  std::string out;
  for (;;) {
    GODWIT_CO_ASSIGN(const std::string part, co_await blobs.read(id, out.size(), piece));
    out += part;
    if (part.size() < piece) co_return out;
  }
}

// Says that exactly these are needed.
class SetOfOwners final : public BlobOwners {
 public:
  std::set<BlobId> live;
  std::uint64_t asked = 0;
  Task<Result<bool>> is_live(BlobId id, std::uint64_t /*owner*/) override {
    ++asked;
    co_return live.contains(id);
  }
};

inline constexpr std::uint32_t kTestSegment = 64 * 1024;
inline constexpr std::uint32_t kTestChunk = 8 * 1024;

// The whole store on a disk and an engine that can lose what was not synced.
class SegmentWorld {
 public:
  explicit SegmentWorld(std::uint64_t seed = 1, std::size_t threads = 0) : disk(seed), pool(threads) {
    settings.directory = "/data/blobs";
    settings.segment_bytes = kTestSegment;
    settings.chunk_bytes = kTestChunk;
    settings.ram_pool_bytes = 0;  // every read comes from the disk, unless a test says otherwise
    settings.idle_mark = Duration(1);
    settings.fatal = [this](const Error&) { fatal.store(true); };
  }

  Result<void> try_open() {
    auto opened = open_segments(settings, disk, engine, pool, loop.clock(), nullptr);
    if (!opened) return fail(opened.error());
    blobs = std::move(*opened);
    blobs->set_owners(&owners);
    return {};
  }
  void open() {
    const auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().text;
  }
  void reopen() {
    blobs.reset();
    open();
  }
  BlobId put(std::uint64_t seed, std::size_t size, Partition partition = kFirstShardPartition) {
    const auto id = loop.run(put_blob(*blobs, partition, seed, make_body(seed, size)));
    EXPECT_TRUE(id) << id.error().text;
    if (!id) return {};
    bodies[*id] = make_body(seed, size);
    owners.live.insert(*id);
    return *id;
  }
  void drop(BlobId id) {
    owners.live.erase(id);
    bodies.erase(id);
    blobs->drop(id);
  }
  Result<std::string> get(BlobId id) { return loop.run(get_blob(*blobs, id)); }
  void expect_all_readable() {
    for (const auto& [id, body] : bodies) {
      const auto got = get(id);
      ASSERT_TRUE(got) << id.text() << ": " << got.error().text;
      ASSERT_EQ(got->size(), body.size());
      ASSERT_TRUE(*got == body) << id.text() << ": other bytes";
      const auto size = loop.run(blobs->size(id));
      ASSERT_TRUE(size);
      ASSERT_EQ(*size, body.size());
    }
  }
  void maintain(int times = 1) {
    for (int i = 0; i < times; ++i) loop.run(blobs->maintain());
  }
  std::vector<BlobDamage> verify() {
    auto found = loop.run(blobs->verify());
    EXPECT_TRUE(found) << found.error().text;
    return found ? *found : std::vector<BlobDamage>{};
  }
  // Flips a bit of the blob's stored bytes, wherever they lie; `byte` of the body.
  void damage(const std::string& part_of_body) {
    const auto names = disk.list(settings.directory);
    for (const std::string& name : *names) {
      const std::string path = settings.directory + "/" + name;
      const auto at = disk.contents(path).find(part_of_body);
      if (at != std::string::npos) return disk.flip_bit(path, at);
    }
    FAIL() << "these bytes are in no file";
  }

  testing::ForgetfulDisk disk;
  testing::MemoryEngine engine;
  testing::TestLoop loop;  // outlives the threads that post to it
  BlockingPool pool;
  SegmentSettings settings;
  std::atomic<bool> fatal{false};
  SetOfOwners owners;
  std::map<BlobId, std::string> bodies;  // what must be readable
  std::unique_ptr<Segments> blobs;
};

class SegmentsTest : public ::testing::Test {
 protected:
  // Enough bodies to fill some segments.
  std::vector<BlobId> fill(std::size_t count, std::size_t size = 4000) {
    std::vector<BlobId> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(world_.put(next_seed_++, size));
    return ids;
  }
  std::string only_file() {
    const auto names = world_.disk.list(world_.settings.directory);
    return world_.settings.directory + "/" + names->front();
  }
  SegmentWorld world_;
  std::uint64_t next_seed_ = 1;
};

}  // namespace godwit::store
