// Recycling, compaction and live counts: maintain() on segments that empty.
#include <gtest/gtest.h>

#include "edge/store/segments_fixture.h"

namespace godwit::store {
namespace {

class SegmentsUpkeepTest : public SegmentsTest {};

TEST_F(SegmentsUpkeepTest, Maintain_EverythingDropped_RecyclesFilesUnderNewNumbers) {
  world_.open();
  const auto old = fill(100);
  const auto files = world_.blobs->statistics().segments;
  EXPECT_GE(files, 7u);
  for (const BlobId id : old) world_.drop(id);
  EXPECT_EQ(world_.engine.unsynced(), 0u);
  world_.maintain(2);
  EXPECT_LE(world_.blobs->statistics().segments, 1u);
  world_.maintain(12);
  EXPECT_LE(world_.blobs->statistics().free_files, 2u) << "files that the load does not need any more are deleted";
  for (const BlobId id : std::vector<BlobId>(old.begin(), old.begin() + 20)) {
    const auto got = world_.get(id);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().cause, Error::Cause::not_found);
  }
  fill(100);
  world_.expect_all_readable();
  world_.reopen();
  world_.expect_all_readable();
  EXPECT_TRUE(world_.blobs->damage().empty());
  EXPECT_FALSE(world_.get(old.front()));
}

TEST_F(SegmentsUpkeepTest, Maintain_DropByMistake_KeepsWhatTheRowsNeed) {
  world_.open();
  const auto ids = fill(40);
  for (const BlobId id : ids) world_.blobs->drop(id);  // the owners still say that they are live
  world_.maintain(6);
  world_.expect_all_readable();
  EXPECT_EQ(world_.blobs->statistics().recycled, 0u);
}

TEST_F(SegmentsUpkeepTest, Maintain_WithoutOwners_RecyclesNothing) {
  world_.open();
  world_.blobs->set_owners(nullptr);
  for (const BlobId id : fill(40)) world_.blobs->drop(id);
  world_.maintain(3);
  world_.expect_all_readable();
}

TEST_F(SegmentsUpkeepTest, Maintain_UnfinishedAccept_PinsItsBytes) {
  world_.open();
  auto writer = world_.blobs->begin(1024, 1);
  const std::string body = make_body(900, 30'000);
  ASSERT_TRUE(world_.loop.run(writer->append(body)));
  const auto id = world_.loop.run(writer->finish());
  ASSERT_TRUE(id);
  ASSERT_TRUE(world_.loop.run(writer->synced()));
  for (const BlobId other : fill(60)) world_.drop(other);
  world_.maintain(3);  // no row names it yet: the owners would say that nobody needs it
  EXPECT_GT(world_.blobs->statistics().recycled, 0u);
  const auto got = world_.get(*id);
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_TRUE(*got == body);
  writer.reset();
  world_.blobs->drop(*id);
  world_.maintain(3);
  EXPECT_FALSE(world_.get(*id));
}

TEST_F(SegmentsUpkeepTest, Maintain_MostlyGarbage_MovesWhatIsLeft) {
  world_.open();
  const auto ids = fill(120);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % 5 != 0) world_.drop(ids[i]);
  }
  const auto before = world_.blobs->statistics().segments;
  world_.maintain(40);
  EXPECT_LT(world_.blobs->statistics().segments, before / 2);
  EXPECT_GT(world_.blobs->statistics().compacted, 10u);
  EXPECT_GT(world_.engine.rows(Keyspace::blob_refs), 10u);
  world_.expect_all_readable();
  EXPECT_TRUE(world_.verify().empty());
  world_.reopen();
  world_.expect_all_readable();
  world_.maintain(40);
  world_.expect_all_readable();
  for (const BlobId id : ids) world_.drop(id);
  fill(40);  // rolls over, so that the segment with the copies is sealed
  world_.maintain(40);
  world_.loop.advance(std::chrono::hours(6));  // until then the new bodies beside the copies keep their segment full enough
  world_.maintain(40);
  EXPECT_EQ(world_.engine.rows(Keyspace::blob_refs), 0u) << "rows of moved blobs that are dead";
  world_.expect_all_readable();
}

TEST_F(SegmentsUpkeepTest, Maintain_LongBodiesOverManySegments_AreMovedWhole) {
  world_.open();
  std::vector<BlobId> small;
  for (int i = 0; i < 6; ++i) {
    world_.put(1000 + static_cast<std::uint64_t>(i), 70'000 + static_cast<std::size_t>(i) * 8192);
    for (const BlobId id : fill(20)) small.push_back(id);
  }
  for (const BlobId id : small) world_.drop(id);
  world_.maintain(60);
  world_.expect_all_readable();
  EXPECT_TRUE(world_.verify().empty());
  world_.reopen();
  world_.maintain(60);
  world_.expect_all_readable();
  while (!world_.bodies.empty()) world_.drop(world_.bodies.begin()->first);
  fill(20);
  world_.maintain(60);
  EXPECT_LE(world_.blobs->statistics().segments, 4u);
  world_.expect_all_readable();
}

TEST_F(SegmentsUpkeepTest, Maintain_AbandonedLongBody_IsGarbage) {
  world_.open();
  {
    const auto writer = world_.blobs->begin(1024, 1);
    ASSERT_TRUE(world_.loop.run(writer->append(make_body(1, 200'000))));
  }
  const auto ids = fill(15);
  const auto before = world_.blobs->statistics().segments;
  world_.maintain(10);
  EXPECT_LT(world_.blobs->statistics().segments, before);
  world_.expect_all_readable();
}

Task<> read_for_ever(SegmentWorld* world, BlobId id, std::string body, bool* stop, std::uint64_t* reads, std::uint64_t* wrong) {
  while (!*stop) {
    const auto got = co_await get_blob(*world->blobs, id);
    ++*reads;
    if (!got || *got != body) ++*wrong;
    co_await yield_loop();
  }
}

TEST_F(SegmentsUpkeepTest, Maintain_WhileOthersRead_NoReadFails) {
  world_.open();
  std::vector<BlobId> keep{world_.put(5000, 60'000)};
  const auto ids = fill(100);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % 6 == 0)
      keep.push_back(ids[i]);
    else
      world_.drop(ids[i]);
  }
  bool stop = false;
  std::uint64_t reads = 0;
  std::uint64_t wrong = 0;
  for (const BlobId id : keep) world_.loop.start(read_for_ever(&world_, id, world_.bodies[id], &stop, &reads, &wrong));
  world_.maintain(40);
  stop = true;
  world_.loop.poll();
  EXPECT_GT(world_.blobs->statistics().compacted, 5u);
  EXPECT_GT(reads, 100u);
  EXPECT_EQ(wrong, 0u);
}

TEST_F(SegmentsUpkeepTest, LiveCounts_AfterAReopen_SpareTheFullExamination) {
  world_.open();
  const auto ids = fill(60);
  for (const BlobId id : ids) world_.drop(id);
  world_.blobs->set_owners(nullptr);
  world_.maintain();  // checkpoints alone
  EXPECT_GT(world_.engine.rows(Keyspace::server), 0u);
  world_.reopen();
  world_.maintain(2);
  EXPECT_EQ(world_.blobs->statistics().segments, 1u);
  EXPECT_LE(world_.engine.rows(Keyspace::server), 1u);
}

TEST_F(SegmentsUpkeepTest, FullSegments_OfThisRunAreAskedAboutAfterSixHours_OfAnEarlierOneAtOnce) {
  world_.open();
  fill(100);
  world_.maintain(30);
  EXPECT_EQ(world_.owners.asked, 0u);
  world_.loop.advance(std::chrono::hours(6));
  world_.maintain(30);
  EXPECT_GE(world_.owners.asked, 90u);
  const auto asked = world_.owners.asked;
  world_.maintain(30);
  EXPECT_EQ(world_.owners.asked, asked);
  world_.reopen();
  world_.maintain(30);
  EXPECT_GE(world_.owners.asked, asked + 90);
  world_.expect_all_readable();
}

TEST_F(SegmentsUpkeepTest, DropsLostInThisRun_AreFoundAfterSixHours) {
  world_.open();
  for (const BlobId id : fill(60)) world_.owners.live.erase(id);
  world_.bodies.clear();
  world_.maintain(30);
  EXPECT_GE(world_.blobs->statistics().segments, 4u);
  world_.loop.advance(std::chrono::hours(6));
  world_.maintain(30);
  EXPECT_EQ(world_.blobs->statistics().segments, 1u);
}

TEST_F(SegmentsUpkeepTest, LostDrops_AreFoundByTheExaminationAfterAStart) {
  world_.open();
  const auto ids = fill(60);
  for (const BlobId id : ids) world_.owners.live.erase(id);  // the process died before drop()
  world_.bodies.clear();
  world_.reopen();
  world_.maintain(30);
  EXPECT_EQ(world_.blobs->statistics().segments, 1u);
}

}  // namespace
}  // namespace godwit::store
