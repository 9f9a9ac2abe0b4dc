// What every store::Blobs must do, run on the one in memory and on segment files.
#include "edge/store/blobs.h"

#include <gtest/gtest.h>

#include "edge/store/segments_fixture.h"
#include "testing/memory_blobs.h"

namespace godwit::store {
namespace {

class World {
 public:
  virtual ~World() = default;
  virtual Blobs& blobs() = 0;
  virtual testing::TestLoop& loop() = 0;
};

class MemoryWorld final : public World {
 public:
  Blobs& blobs() override { return blobs_; }
  testing::TestLoop& loop() override { return loop_; }

 private:
  testing::TestLoop loop_;
  testing::MemoryBlobs blobs_;
};

class DiskWorld final : public World {
 public:
  explicit DiskWorld(std::size_t ram) {
    world_.settings.ram_pool_bytes = ram;
    world_.open();
  }
  Blobs& blobs() override { return *world_.blobs; }
  testing::TestLoop& loop() override { return world_.loop; }

 private:
  SegmentWorld world_;
};

struct Make {
  const char* name;
  std::unique_ptr<World> (*make)();
};

class BlobsTest : public ::testing::TestWithParam<Make> {
 protected:
  Blobs& blobs() { return world_->blobs(); }
  BlobId put(const std::string& body, std::size_t piece = 5000) {
    const auto id = world_->loop().run(put_blob(blobs(), 1024, 7, body, piece));
    EXPECT_TRUE(id) << id.error().text;
    return id ? *id : BlobId{};
  }
  template <class T>
  T run(Task<T> task) {
    return world_->loop().run(std::move(task));
  }
  std::unique_ptr<World> world_ = GetParam().make();
};

TEST_P(BlobsTest, Read_WholeBodies_GivesWhatWasAppended) {
  for (const std::size_t size : {0u, 1u, 7u, 8u, 4096u, 8191u, 8192u, 8193u, 16384u, 16385u, 65536u, 65537u, 200000u}) {
    SCOPED_TRACE(size);
    const std::string body = make_body(size, size);
    const BlobId id = put(body);
    EXPECT_TRUE(id.valid());
    EXPECT_EQ(id.partition, 1024u);
    const auto got = run(get_blob(blobs(), id));
    ASSERT_TRUE(got) << got.error().text;
    EXPECT_TRUE(*got == body);
    const auto length = run(blobs().size(id));
    ASSERT_TRUE(length);
    EXPECT_EQ(*length, size);
  }
}

TEST_P(BlobsTest, Read_Ranges_AreShortAtTheEndAlone) {
  const std::string body = make_body(3, 50'000);
  const BlobId id = put(body, 777);
  for (const std::uint64_t offset : {0u, 1u, 8191u, 8192u, 20'000u, 49'999u, 50'000u, 60'000u}) {
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{8192}, std::size_t{30'000}, ~std::size_t{0}}) {
      const auto got = run(blobs().read(id, offset, length));
      ASSERT_TRUE(got) << got.error().text;
      EXPECT_TRUE(*got == (offset < body.size() ? body.substr(offset, length) : "")) << offset << " " << length;
    }
  }
}

TEST_P(BlobsTest, Read_UnknownIds_NotFound) {
  const BlobId id = put("hello");
  for (const BlobId bad : {BlobId{1024, 0, 0}, BlobId{1024, 4'000'000, 4096}, BlobId{1025, id.segment, id.offset}}) {
    const auto got = run(blobs().read(bad, 0, 10));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().cause, Error::Cause::not_found);
    EXPECT_FALSE(run(blobs().size(bad)));
  }
}

TEST_P(BlobsTest, Writer_SizeCountsWhatWasAppended) {
  const auto writer = blobs().begin(1024, 1);
  EXPECT_EQ(writer->size(), 0u);
  ASSERT_TRUE(run(writer->append("abc")));
  ASSERT_TRUE(run(writer->append("de")));
  EXPECT_EQ(writer->size(), 5u);
  const auto id = run(writer->finish());
  ASSERT_TRUE(id);
  ASSERT_TRUE(run(writer->synced()));
  ASSERT_TRUE(run(writer->synced()));  // asking twice does no harm
  const auto got = run(get_blob(blobs(), *id));
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, "abcde");
}

TEST_P(BlobsTest, Writer_Abandoned_LeavesOthersAlone) {
  const std::string body = make_body(1, 30'000);
  {
    const auto writer = blobs().begin(1024, 1);
    ASSERT_TRUE(run(writer->append(make_body(2, 40'000))));
  }
  const BlobId id = put(body);
  const auto got = run(get_blob(blobs(), id));
  ASSERT_TRUE(got);
  EXPECT_TRUE(*got == body);
}

TEST_P(BlobsTest, Ids_AreDistinctAlsoWhenInterleaved) {
  constexpr std::size_t kWriters = 8;
  std::vector<std::unique_ptr<BlobWriter>> writers;
  for (std::size_t i = 0; i < kWriters; ++i) writers.push_back(blobs().begin(static_cast<Partition>(1024 + i), i));
  for (std::size_t at = 0; at < 100'000; at += 10'000) {
    for (std::size_t i = 0; i < kWriters; ++i) ASSERT_TRUE(run(writers[i]->append(make_body(i, 100'000).substr(at, 10'000))));
  }
  std::set<BlobId> ids;
  std::vector<BlobId> order;
  for (auto& writer : writers) {
    const auto id = run(writer->finish());
    ASSERT_TRUE(id);
    ids.insert(*id);
    order.push_back(*id);
  }
  EXPECT_EQ(ids.size(), kWriters);
  for (std::size_t i = 0; i < kWriters; ++i) {
    ASSERT_TRUE(run(writers[i]->synced()));
    const auto got = run(get_blob(blobs(), order[i]));
    ASSERT_TRUE(got) << got.error().text;
    EXPECT_TRUE(*got == make_body(i, 100'000));
  }
}

Task<Result<void>> append_to(std::string* out, std::string_view piece) {
  out->append(piece);
  co_return Result<void>{};
}

TEST_P(BlobsTest, CopyBlob_StreamsTheWholeBody) {
  const std::string body = make_body(5, 300'000);
  const BlobId id = put(body);
  std::string out;
  const auto sink = [&out](std::string_view piece) { return append_to(&out, piece); };
  ASSERT_TRUE(run(copy_blob(blobs(), id, sink)));
  EXPECT_TRUE(out == body);
}

TEST_P(BlobsTest, Verify_SoundStore_ReportsNothing) {
  put(make_body(1, 100));
  put(make_body(2, 100'000));
  const auto found = run(blobs().verify());
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->empty());
  EXPECT_TRUE(blobs().damage().empty());
  EXPECT_FALSE(blobs().full());
}

std::unique_ptr<World> memory() { return std::make_unique<MemoryWorld>(); }
std::unique_ptr<World> disk() { return std::make_unique<DiskWorld>(0); }
std::unique_ptr<World> disk_with_ram_pool() { return std::make_unique<DiskWorld>(1 << 20); }

INSTANTIATE_TEST_SUITE_P(All, BlobsTest,
                         ::testing::Values(Make{"memory", memory}, Make{"segments", disk}, Make{"pooled", disk_with_ram_pool}),
                         [](const auto& made) { return std::string(made.param.name); });

TEST(BlobId, Key_AndText_RoundTrip) {
  const BlobId id{1030, 77, 4096};
  EXPECT_EQ(id.key().size(), 12u);
  EXPECT_EQ(id.text(), "000004060000004d00001000");
  const auto parsed = parse_blob_key(id.key());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, id);
  EXPECT_FALSE(parse_blob_key("short"));
}

}  // namespace
}  // namespace godwit::store
