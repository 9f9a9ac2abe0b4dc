#include "testing/memory_blobs.h"

#include <gtest/gtest.h>

#include "testing/test_loop.h"

namespace godwit::testing {
namespace {

Task<Result<store::BlobId>> write(MemoryBlobs& blobs, std::string body, bool sync, std::uint64_t owner) {
  const auto writer = blobs.begin(1024, owner);
  GODWIT_CO_TRY(co_await writer->append(body));
  GODWIT_CO_ASSIGN(const store::BlobId id, co_await writer->finish());
  if (sync) GODWIT_CO_TRY(co_await writer->synced());
  co_return id;
}

class NobodyNeeds final : public store::BlobOwners {
 public:
  Task<Result<bool>> is_live(store::BlobId, std::uint64_t owner) override { co_return owner != 7; }
};

TEST(MemoryBlobs, Crash_KeepsWhatWasSyncedAndNothingElse) {
  TestLoop loop;
  MemoryBlobs blobs;
  const auto kept = *loop.run(write(blobs, "kept", true, 1));
  std::vector<store::BlobId> unsynced;
  for (std::uint64_t i = 0; i < 40; ++i) unsynced.push_back(*loop.run(write(blobs, "unsynced", false, i)));
  blobs.crash();
  EXPECT_EQ(*loop.run(blobs.read(kept, 0, 100)), "kept");
  for (const auto id : unsynced) EXPECT_FALSE(loop.run(blobs.read(id, 0, 100)));
  EXPECT_GT(blobs.damage().size(), 5u);
  EXPECT_LT(blobs.damage().size(), 35u);
  for (const auto& one : blobs.damage()) EXPECT_FALSE(one.acknowledged);
  const auto after = *loop.run(write(blobs, "after", true, 1));
  EXPECT_GT(after, unsynced.back()) << "ids do not come back";
}

TEST(MemoryBlobs, HoldSyncs_SyncedWaitsUntilLetGoOrCrash) {
  TestLoop loop;
  MemoryBlobs blobs;
  blobs.hold_syncs(true);
  std::optional<bool> first;
  auto run = [](MemoryBlobs* store, std::optional<bool>* done) -> Task<> {
    const auto id = co_await write(*store, "body", true, 1);
    *done = id.has_value();
  };
  loop.start(run(&blobs, &first));
  loop.poll();
  EXPECT_FALSE(first);
  blobs.hold_syncs(false);
  loop.poll();
  EXPECT_EQ(first, true);
  blobs.hold_syncs(true);
  std::optional<bool> second;
  loop.start(run(&blobs, &second));
  loop.poll();
  blobs.crash();
  loop.poll();
  EXPECT_EQ(second, false);
}

TEST(MemoryBlobs, FullAndFailing_AnswerSo) {
  TestLoop loop;
  MemoryBlobs blobs;
  blobs.set_full(true);
  const auto full = loop.run(write(blobs, "x", true, 1));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().cause, Error::Cause::full);
  blobs.set_full(false);
  blobs.fail_syncs(true);
  EXPECT_FALSE(loop.run(write(blobs, "x", true, 1)));
}

TEST(MemoryBlobs, DroppedAndDamaged_AreToldApart) {
  TestLoop loop;
  MemoryBlobs blobs;
  const auto gone = *loop.run(write(blobs, "gone", true, 1));
  const auto bad = *loop.run(write(blobs, "bad", true, 7));
  blobs.drop(gone);
  blobs.damage_blob(bad);
  EXPECT_EQ(loop.run(blobs.read(gone, 0, 9)).error().cause, Error::Cause::not_found);
  EXPECT_EQ(loop.run(blobs.read(bad, 0, 9)).error().cause, Error::Cause::corrupt);
  EXPECT_EQ(blobs.dropped().size(), 1u);
  EXPECT_EQ(loop.run(blobs.verify())->size(), 1u);
  NobodyNeeds owners;
  blobs.set_owners(&owners);
  EXPECT_EQ(loop.run(blobs.unowned())->size(), 1u);
}

}  // namespace
}  // namespace godwit::testing
