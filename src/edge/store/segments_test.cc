#include "edge/store/segments.h"

#include <gtest/gtest.h>

#include "edge/store/segment_format.h"
#include "edge/store/segments_fixture.h"
#include "edge/store/space_guard.h"

namespace godwit::store {
namespace {

TEST_F(SegmentsTest, Reopen_EverythingSynced_IsThereUnderItsId) {
  world_.open();
  for (const std::size_t size : {0u, 1u, 4000u, 8192u, 8193u, 50'000u, 100'000u}) world_.put(next_seed_++, size);
  fill(40);
  world_.reopen();
  EXPECT_TRUE(world_.blobs->damage().empty());
  world_.expect_all_readable();
  fill(40);
  world_.reopen();
  world_.expect_all_readable();
  EXPECT_TRUE(world_.verify().empty());
}

TEST_F(SegmentsTest, Reopen_ManySealedSegments_ReadsTailsAlone) {
  world_.open();
  fill(400);  // 25 segments
  world_.blobs.reset();
  const auto before = world_.disk.counters();
  world_.open();
  const auto after = world_.disk.counters();
  EXPECT_LT(after.read_bytes - before.read_bytes, 27 * (kFirstRecord + kSegmentTail) + 4 * kTestSegment);
  world_.expect_all_readable();
}

TEST_F(SegmentsTest, Ids_AfterAReopen_AreNeverGivenAgain) {
  world_.open();
  std::set<BlobId> seen;
  for (int i = 0; i < 5; ++i) {
    for (const BlobId id : fill(3)) EXPECT_TRUE(seen.insert(id).second);
    // Finished and never synced: the id was out all the same.
    const auto writer = world_.blobs->begin(1024, 1);
    ASSERT_TRUE(world_.loop.run(writer->append("x")));
    const auto id = world_.loop.run(writer->finish());
    ASSERT_TRUE(id);
    EXPECT_TRUE(seen.insert(*id).second);
    world_.disk.cut();
    world_.blobs.reset();
    world_.disk.restart();
    world_.open();
  }
}

TEST_F(SegmentsTest, FlippedBit_InAPayload_CostsThatBlobAlone) {
  world_.open();
  fill(60);
  const BlobId victim = world_.bodies.begin()->first;
  world_.damage(world_.bodies[victim].substr(100, 40));
  const auto found = world_.verify();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, victim);
  EXPECT_TRUE(found[0].acknowledged);
  world_.reopen();
  const auto got = world_.get(victim);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().cause, Error::Cause::corrupt);
  world_.bodies.erase(victim);
  world_.expect_all_readable();
  world_.maintain(5);
  world_.expect_all_readable();
}

TEST_F(SegmentsTest, FlippedBit_InTheTailBelowTheMark_IsReportedAsAcknowledged) {
  world_.open();
  fill(5);
  const BlobId victim = std::next(world_.bodies.begin(), 2)->first;
  world_.blobs.reset();
  world_.damage(world_.bodies[victim].substr(100, 40));
  world_.open();
  ASSERT_EQ(world_.blobs->damage().size(), 1u);
  EXPECT_EQ(world_.blobs->damage()[0].id, victim);
  EXPECT_EQ(world_.blobs->damage()[0].owner, 3u);
  EXPECT_TRUE(world_.blobs->damage()[0].acknowledged);
  EXPECT_EQ(world_.verify().size(), 1u);
  world_.bodies.erase(victim);
  world_.expect_all_readable();
}

TEST_F(SegmentsTest, FlippedBit_InAChunk_IsReportedWithTheBlobOfTheList) {
  world_.open();
  const BlobId victim = world_.put(77, 30'000);
  fill(3);
  world_.blobs.reset();
  world_.damage(world_.bodies[victim].substr(9000, 40));
  world_.open();
  const auto& damage = world_.blobs->damage();
  EXPECT_TRUE(std::any_of(damage.begin(), damage.end(), [&](const BlobDamage& one) { return one.id == victim && one.acknowledged; }));
  const auto found = world_.verify();
  EXPECT_TRUE(std::any_of(found.begin(), found.end(), [&](const BlobDamage& one) { return one.id == victim; }));
  const auto got = world_.loop.run(world_.blobs->read(victim, 9000, 10));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().cause, Error::Cause::corrupt);
}

TEST_F(SegmentsTest, FlippedBit_InHeadSealOrFooter_CostsNothing) {
  world_.open();
  fill(60);
  world_.blobs.reset();
  const std::string file = only_file();
  for (const std::uint64_t offset :
       {std::uint64_t{9}, std::uint64_t{kTestSegment - kSecondHead + 9}, std::uint64_t{kTestSegment - kSegmentTail + 30}}) {
    SCOPED_TRACE(offset);
    world_.disk.flip_bit(file, offset);
    world_.open();
    world_.expect_all_readable();
    world_.blobs.reset();
    if (offset < 4096) world_.disk.flip_bit(file, offset);
  }
  world_.open();
  world_.blobs.reset();
  const std::string bytes = world_.disk.contents(file);
  const auto head = parse_head(bytes);
  ASSERT_TRUE(head);
  const auto seal = parse_seal(std::string_view(bytes).substr(kTestSegment - kSegmentTail), *head);
  ASSERT_TRUE(seal);
  world_.disk.flip_bit(file, seal->footer + kRecordHeaderBytes + 10);
  world_.open();
  world_.expect_all_readable();
  EXPECT_EQ(world_.verify().size(), 1u);
  for (const BlobId id : std::vector<BlobId>{world_.bodies.begin()->first}) world_.drop(id);
  world_.maintain(60);
  world_.expect_all_readable();
}

TEST_F(SegmentsTest, FullDisk_RefusesNewMailAndRecovers) {
  world_.settings.prewrite = false;
  world_.open();
  const auto first = fill(20);
  world_.disk.set_budget(4 * kTestSegment);
  std::size_t accepted = 0;
  Error refusal;
  for (std::size_t i = 0; i < 200; ++i) {
    const std::uint64_t seed = next_seed_++;
    const auto id = world_.loop.run(put_blob(*world_.blobs, 1024, seed, make_body(seed, 4000)));
    if (!id) {
      refusal = id.error();
      break;
    }
    ++accepted;
    world_.bodies[*id] = make_body(seed, 4000);
    world_.owners.live.insert(*id);
  }
  EXPECT_EQ(refusal.cause, Error::Cause::full);
  EXPECT_EQ(refusal.kind, Error::Kind::temporary);
  EXPECT_GT(accepted, 10u);
  EXPECT_TRUE(world_.blobs->full());
  EXPECT_FALSE(world_.fatal);
  world_.expect_all_readable();
  world_.maintain(2);
  EXPECT_TRUE(world_.blobs->full());
  while (!world_.bodies.empty()) world_.drop(world_.bodies.begin()->first);
  world_.maintain(2);  // recycling makes the room
  EXPECT_FALSE(world_.blobs->full());
  fill(20);
  world_.expect_all_readable();
}

TEST_F(SegmentsTest, FullDisk_AtTheStart_ServesReadsAndAcceptsLater) {
  world_.open();
  fill(5);  // less than half a segment: no spare yet
  world_.blobs.reset();
  world_.disk.set_budget(2 * kTestSegment - 1);
  world_.open();
  EXPECT_TRUE(world_.blobs->full());
  world_.expect_all_readable();
  EXPECT_FALSE(world_.loop.run(put_blob(*world_.blobs, 1024, 1, "x")));
  EXPECT_FALSE(world_.loop.run(put_blob(*world_.blobs, 1024, 1, "")));
  world_.disk.set_budget(100 * kTestSegment);
  world_.maintain();
  EXPECT_FALSE(world_.blobs->full());
  fill(10);
  world_.expect_all_readable();
}

class FakeSpace final : public Space {
 public:
  Result<std::uint64_t> free_bytes() override { return free; }
  Result<void> hold(std::uint64_t) override { return {}; }
  Result<void> give_back() override {
    ++given_back;
    return {};
  }
  std::uint64_t free = 1u << 30;
  int given_back = 0;
};

TEST_F(SegmentsTest, GuardSaysFull_AppendIsRefusedReadsGoOn) {
  auto space = std::make_unique<FakeSpace>();
  FakeSpace& control = *space;
  SpaceGuard guard(std::move(space), 1 << 20, 1 << 20);
  auto opened = open_segments(world_.settings, world_.disk, world_.engine, world_.pool, world_.loop.clock(), &guard);
  ASSERT_TRUE(opened);
  world_.blobs = std::move(*opened);
  world_.blobs->set_owners(&world_.owners);
  fill(3);
  const auto writer = world_.blobs->begin(1024, 1);
  ASSERT_TRUE(world_.loop.run(writer->append("under way")));
  control.free = 100;
  guard.check();
  EXPECT_TRUE(world_.blobs->full());
  const auto refused = world_.loop.run(writer->append("x"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, Error::Cause::full);
  EXPECT_TRUE(world_.loop.run(writer->finish()));  // the space for it is there
  world_.expect_all_readable();
  control.free = 1u << 30;
  guard.check();
  fill(2);
  world_.blobs.reset();
}

TEST_F(SegmentsTest, FullDisk_TheReserveIsGivenBackForTheNextSegment) {
  auto space = std::make_unique<FakeSpace>();
  FakeSpace& control = *space;
  SpaceGuard guard(std::move(space), 1 << 20, 1 << 20);
  world_.disk.set_budget(kTestSegment / 2);
  auto opened = open_segments(world_.settings, world_.disk, world_.engine, world_.pool, world_.loop.clock(), &guard);
  ASSERT_TRUE(opened);
  EXPECT_EQ(control.given_back, 1);
  EXPECT_TRUE((*opened)->full());
}

TEST_F(SegmentsTest, FailedSync_IsFatalAndNeverTriedAgain) {
  world_.open();
  fill(3);
  world_.loop.run(world_.blobs->maintain());
  std::atomic<bool> armed{true};
  world_.disk.set_before_sync([&](const std::string&) {
    if (armed.exchange(false)) world_.disk.fail_at(1, testing::ForgetfulDisk::Failure::io_error);
  });
  const auto id = world_.loop.run(put_blob(*world_.blobs, 1024, 1, "lost"));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().cause, Error::Cause::io);
  EXPECT_TRUE(world_.fatal);
  const auto syncs = world_.disk.counters().syncs;
  EXPECT_FALSE(world_.loop.run(put_blob(*world_.blobs, 1024, 1, "refused")));
  EXPECT_EQ(world_.disk.counters().syncs, syncs);
  world_.disk.set_before_sync(nullptr);
  world_.reopen();
  world_.expect_all_readable();
}

TEST_F(SegmentsTest, Groups_ManyWaitingBodies_ShareASync) {
  world_.settings.segment_bytes = 1 << 20;
  world_.settings.idle_mark = Duration(60'000);
  world_.open();
  std::atomic<bool> hold{true};
  world_.disk.set_before_sync([&](const std::string&) {
    while (hold) std::this_thread::yield();
  });
  std::vector<std::unique_ptr<BlobWriter>> writers;
  for (int i = 0; i < 100; ++i) {
    writers.push_back(world_.blobs->begin(1024, 1));
    ASSERT_TRUE(world_.loop.run(writers.back()->append("body")));
    ASSERT_TRUE(world_.loop.run(writers.back()->finish()));
  }
  hold = false;
  for (auto& writer : writers) ASSERT_TRUE(world_.loop.run(writer->synced()));
  EXPECT_LE(world_.blobs->statistics().groups, 3u);
  EXPECT_LE(world_.disk.counters().syncs, 10u);
  world_.disk.set_before_sync(nullptr);
}

Task<> append_much(BlobWriter* writer, std::size_t* appended) {
  for (int i = 0; i < 40; ++i) {
    const std::string piece(10'000, 'x');
    if (!co_await writer->append(piece)) co_return;
    ++*appended;
  }
}

TEST_F(SegmentsTest, WasSynced_IsSaidOfWhatAMarkLiesBehind) {
  world_.open();
  const BlobId first = world_.put(1, 3'000);
  const BlobId second = world_.put(2, 20'000);
  EXPECT_FALSE(world_.blobs->was_synced(first)) << "of this run nothing is known";
  world_.reopen();  // an end in peace writes a last mark
  EXPECT_TRUE(world_.blobs->was_synced(first));
  EXPECT_TRUE(world_.blobs->was_synced(second));
  EXPECT_FALSE(world_.blobs->was_synced({second.partition, second.segment + 1, second.offset}));
  EXPECT_FALSE(world_.blobs->was_synced(world_.put(3, 3'000)));
}

// What a recycled file held before is not in the page cache any more: a page written in part would have to be read.
TEST_F(SegmentsTest, Groups_EndWithAWholePage) {
  world_.settings.idle_mark = Duration(1'000'000);
  world_.open();
  const auto before = world_.disk.counters();
  world_.put(1, 3'000);
  const auto after = world_.disk.counters();
  EXPECT_EQ(after.written_bytes - before.written_bytes, 4'096u);
  world_.put(2, 100);                                                    // begins within that page, ends with it
  const std::uint64_t first = kRecordHeaderBytes + record_bytes(3'000);  // a mark, a record
  EXPECT_EQ(world_.disk.counters().written_bytes - after.written_bytes, 4'096u - first);
  world_.expect_all_readable();
}

TEST_F(SegmentsTest, Queue_WhileTheDiskIsSlow_AppendWaits) {
  world_.settings.queue_bytes = 100'000;
  world_.open();
  std::atomic<bool> hold{true};
  world_.disk.set_before_sync([&](const std::string&) {
    while (hold) std::this_thread::yield();
  });
  const auto writer = world_.blobs->begin(1024, 1);
  std::size_t appended = 0;
  world_.loop.start(append_much(writer.get(), &appended));
  world_.loop.poll();
  EXPECT_LT(appended, 15u);
  hold = false;
  world_.loop.run_until([&] { return appended == 40; });
  const auto id = world_.loop.run(writer->finish());
  ASSERT_TRUE(id);
  ASSERT_TRUE(world_.loop.run(writer->synced()));
  const auto got = world_.get(*id);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->size(), 400'000u);
  world_.disk.set_before_sync(nullptr);
}

TEST_F(SegmentsTest, RamPool_SmallBodies_AreReadWithoutTheDisk) {
  world_.settings.ram_pool_bytes = 1 << 20;
  world_.open();
  const auto ids = fill(20);
  const auto reads = world_.disk.counters().reads;
  world_.expect_all_readable();
  EXPECT_EQ(world_.disk.counters().reads, reads);
  for (const BlobId id : ids) world_.drop(id);
  EXPECT_FALSE(world_.get(ids.back()) && world_.disk.counters().reads == reads);
  world_.maintain(3);
  EXPECT_EQ(world_.blobs->statistics().segments, 1u);
}

TEST_F(SegmentsTest, BigBodies_FiveMegabytesInterleaved_ComeBackWhole) {
  world_.settings.segment_bytes = 1 << 20;
  world_.settings.chunk_bytes = 64 * 1024;
  world_.open();
  constexpr std::size_t kSize = 5'000'000;
  std::vector<std::unique_ptr<BlobWriter>> writers;
  std::vector<std::string> bodies;
  for (std::uint64_t i = 0; i < 3; ++i) {
    writers.push_back(world_.blobs->begin(1024, i));
    bodies.push_back(make_body(i + 50, kSize + i));
  }
  for (std::size_t at = 0; at < kSize + 3; at += 30'011) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (at < bodies[i].size()) ASSERT_TRUE(world_.loop.run(writers[i]->append(std::string_view(bodies[i]).substr(at, 30'011))));
    }
  }
  std::vector<BlobId> ids;
  for (auto& writer : writers) {
    const auto id = world_.loop.run(writer->finish());
    ASSERT_TRUE(id);
    ids.push_back(*id);
    ASSERT_TRUE(world_.loop.run(writer->synced()));
  }
  writers.clear();
  world_.reopen();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto got = world_.loop.run(get_blob(*world_.blobs, ids[i], 64 * 1024));
    ASSERT_TRUE(got) << got.error().text;
    EXPECT_TRUE(*got == bodies[i]);
  }
}

TEST_F(SegmentsTest, UnreadableFile_IsPutAsideAndSaid) {
  world_.open();
  fill(3);
  world_.blobs.reset();
  const std::string file = only_file();
  world_.disk.flip_bit(file, 3);
  world_.disk.flip_bit(file, kTestSegment - kSecondHead + 3);
  world_.open();
  ASSERT_EQ(world_.blobs->damage().size(), 1u);
  EXPECT_TRUE(world_.blobs->damage()[0].acknowledged);
  EXPECT_TRUE(*world_.disk.exists(file + ".damaged"));
}

TEST_F(SegmentsTest, Settings_SegmentsTooSmallForTheChunks_AreRefused) {
  world_.settings.chunk_bytes = kTestSegment;
  EXPECT_FALSE(world_.try_open());
}

}  // namespace
}  // namespace godwit::store
