// What open() does with what it finds: unfinished accepts, lost and damaged bytes, ids, crash notes, owners of blobs.

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "state/queue/crash_note.h"
#include "state/queue/id_floor.h"
#include "state/queue/queue_fixture.h"
#include "state/queue/record.h"

namespace godwit::queue {
namespace {

using store::Keyspace;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::QueueFixture;
using namespace std::chrono_literals;

class RecoveryTest : public QueueFixture {
 protected:
  void put(Keyspace keyspace, std::string key, std::string value) {
    store::Batch batch;
    batch.put(keyspace, std::move(key), std::move(value));
    ASSERT_TRUE(loop.run(engine.write(shard(0), std::move(batch))).ok());
  }
};

TEST_F(RecoveryTest, PagesWithoutARecord_AreRemoved) {
  const Message good = accepted(40);
  const Message unfinished = message(40);
  put(Keyspace::fresh, page_key(unfinished.id, 1), *encode_page(unfinished, 1));
  put(Keyspace::fresh, page_key(unfinished.id, 2), *encode_page(unfinished, 2));
  EXPECT_THAT(fresh_ids(), ElementsAre(good.id));
  reopen();
  EXPECT_EQ(engine.rows(Keyspace::fresh), 3u);
  EXPECT_EQ(load(good.id)->recipients.size(), 40u);
}

TEST_F(RecoveryTest, UnacknowledgedBytesGone_TheMessageGoesWithAllItsRows) {
  const Message good = accepted();
  // The row reached the disk, the bytes did not, and nobody was answered: for both ways in which they can be missing.
  for (int i = 0; i < 8; ++i) {
    Message torn = message(40);
    auto writer = blobs.begin(Queue::partition_of(torn.id), torn.id.value);
    torn.blob = *loop.run(writer->finish());
    put(Keyspace::fresh, page_key(torn.id, 1), *encode_page(torn, 1));
    put(Keyspace::fresh, page_key(torn.id, 2), *encode_page(torn, 2));
    put(Keyspace::fresh, message_key(torn.id), *encode_record(torn));
  }
  crash_and_open();
  EXPECT_THAT(fresh_ids(), ElementsAre(good.id));
  EXPECT_EQ(engine.rows(Keyspace::fresh), 1u);
  EXPECT_EQ(queue->totals().messages, 1u);
  EXPECT_EQ(queue->totals().recipients, 1u);
}

TEST_F(RecoveryTest, UnacknowledgedBytesOfAHeldMessageGone_ItGoesWithAllItsRows) {
  Message good = message();
  good.held = true;
  ASSERT_TRUE(accept(good));
  for (int i = 0; i < 8; ++i) {
    Message torn = message();
    auto writer = blobs.begin(Queue::partition_of(torn.id), torn.id.value);
    torn.blob = *loop.run(writer->finish());
    torn.held = true;
    torn.rows = rows_of_held(torn);
    put(Keyspace::waiting, message_key(torn.id), *encode_record(torn));
    put(Keyspace::due, due_key(kNever, torn.id), encode_due({1, 0, true, torn.blob}));
  }
  crash_and_open();
  EXPECT_EQ(engine.rows(Keyspace::waiting), 1u);
  EXPECT_EQ(engine.rows(Keyspace::due), 1u);
  EXPECT_TRUE(load(good.id)->held);
  EXPECT_EQ(queue->totals().messages, 1u);
  EXPECT_EQ(queue->totals().held, 1u);
  EXPECT_EQ(queue->totals().recipients, 1u);
}

TEST_F(RecoveryTest, AcknowledgedBytesOfAHeldMessageDamaged_TheReasonIsReplaced) {
  Message damaged = message();
  damaged.held = true;
  damaged.held_because = "its route says hold";
  ASSERT_TRUE(accept(damaged));
  blobs.damage_blob(damaged.blob, true);
  reopen();
  EXPECT_THAT(load(damaged.id)->held_because, ::testing::HasSubstr("damaged"));
  EXPECT_EQ(queue->totals().held, 1u);
}

// Too many recipients for one record: such a message is fresh, and held. That it is held proves nothing about its bytes.
TEST_F(RecoveryTest, UnacknowledgedBytesOfALargeHeldMessageGone_ItGoesWithAllItsRows) {
  for (int i = 0; i < 8; ++i) {
    Message torn = message(40);
    auto writer = blobs.begin(Queue::partition_of(torn.id), torn.id.value);
    torn.blob = *loop.run(writer->finish());
    torn.held = true;
    torn.held_because = "its route says hold";
    put(Keyspace::fresh, page_key(torn.id, 1), *encode_page(torn, 1));
    put(Keyspace::fresh, page_key(torn.id, 2), *encode_page(torn, 2));
    put(Keyspace::fresh, message_key(torn.id), *encode_record(torn));
  }
  crash_and_open();
  EXPECT_EQ(engine.rows(Keyspace::fresh), 0u);
  EXPECT_EQ(engine.rows(Keyspace::waiting), 0u);
  EXPECT_EQ(engine.rows(Keyspace::due), 0u);
  EXPECT_EQ(queue->totals().messages, 0u);
  EXPECT_EQ(queue->totals().held, 0u);
}

TEST_F(RecoveryTest, AcknowledgedBytesOfALargeHeldMessageDamaged_TheReasonIsReplaced) {
  Message damaged = message(40);
  damaged.held = true;
  damaged.held_because = "its route says hold";
  ASSERT_TRUE(accept(damaged));
  blobs.damage_blob(damaged.blob);
  reopen();
  EXPECT_THAT(load(damaged.id)->held_because, ::testing::HasSubstr("damaged"));
  EXPECT_EQ(load(damaged.id)->recipients.size(), 40u);
  EXPECT_EQ(queue->totals().held, 1u);
}

// No mark vouches for these bytes, but a start has seen them: gone later, they were lost. Such a message stays and says so.
TEST_F(RecoveryTest, BytesThatAStartHasSeen_GoneLater_AreNoUnfinishedAccept) {
  const auto unsynced = [this](Message& into) {
    auto writer = blobs.begin(Queue::partition_of(into.id), into.id.value);
    into.blob = *loop.run(writer->finish());
  };
  Message first = message();
  unsynced(first);
  Message held = message();
  unsynced(held);
  held.held = true;
  held.rows = rows_of_held(held);
  put(Keyspace::waiting, message_key(held.id), *encode_record(held));
  put(Keyspace::due, due_key(kNever, held.id), encode_due({1, 0, true, held.blob}));
  Message fresh = message();
  unsynced(fresh);
  put(Keyspace::fresh, message_key(fresh.id), *encode_record(fresh));
  reopen();
  ASSERT_TRUE(loop.run(queue->sync()));
  blobs.drop(held.blob);
  blobs.drop(fresh.blob);
  crash_and_open();
  ASSERT_FALSE(blobs.was_synced(held.blob));
  ASSERT_FALSE(blobs.was_synced(fresh.blob));
  EXPECT_TRUE(load(held.id)->held);
  EXPECT_THAT(load(fresh.id)->held_because, ::testing::HasSubstr("missing"));
  EXPECT_EQ(queue->totals().held, 2u);
}

TEST_F(RecoveryTest, HeldMessageThatCannotBeRead_DoesNotStopTheStart) {
  Message unreadable = message();
  unreadable.held = true;
  ASSERT_TRUE(accept(unreadable));
  put(Keyspace::waiting, message_key(unreadable.id), "no record");
  const Message good = accepted();
  reopen();
  EXPECT_THAT(fresh_ids(), ElementsAre(good.id));
}

// However many are held: a start looks at those behind the last sync mark.
TEST_F(RecoveryTest, HeldMessageBelowTheMark_IsNotLookedAt) {
  Message old = message();
  old.held = true;
  old.held_because = "its route says hold";
  ASSERT_TRUE(accept(old));
  blobs.drop(old.blob);
  reopen();
  EXPECT_EQ(load(old.id)->held_because, "its route says hold");
  EXPECT_EQ(queue->totals().held, 1u);
}

// However far apart they lie: nothing is said about segments.
TEST_F(RecoveryTest, UnacknowledgedBytesInManySegmentsGone_TheirMessagesGo) {
  const std::string large(1u << 20, 'x');
  blobs.hold_syncs(true);
  std::uint32_t segment = 0;
  while (segment < 5) {
    Message torn = message();
    auto writer = blobs.begin(Queue::partition_of(torn.id), torn.id.value);
    ASSERT_TRUE(loop.run(writer->append(large)));
    torn.blob = *loop.run(writer->finish());
    torn.size = large.size();
    torn.held = true;
    torn.rows = rows_of_held(torn);
    put(Keyspace::waiting, message_key(torn.id), *encode_record(torn));
    put(Keyspace::due, due_key(kNever, torn.id), encode_due({1, large.size(), true, torn.blob}));
    segment = torn.blob.segment;
  }
  crash_and_open();
  EXPECT_EQ(engine.rows(Keyspace::waiting), 0u);
  EXPECT_EQ(engine.rows(Keyspace::due), 0u);
  EXPECT_EQ(queue->totals().messages, 0u);
}

TEST_F(RecoveryTest, AcknowledgedBytesDamaged_TheMessageIsHeldAndTheOthersGoOn) {
  const Message damaged = accepted();
  const Message good = accepted();
  blobs.damage_blob(damaged.blob);
  reopen();
  EXPECT_THAT(fresh_ids(), ElementsAre(good.id));
  const auto back = load(damaged.id);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->held);
  EXPECT_THAT(back->held_because, ::testing::HasSubstr("damaged"));
  EXPECT_EQ(queue->totals().held, 1u);
  EXPECT_EQ(queue->totals().messages, 2u);
  reopen();
  EXPECT_EQ(queue->totals().held, 1u);
}

TEST_F(RecoveryTest, BytesMissingInAnOldSegment_AreHeldNotRemoved) {
  Message old = message();
  old.blob = {Queue::partition_of(old.id), 1, 9'999};
  put(Keyspace::fresh, message_key(old.id), *encode_record(old));
  const std::string large(1u << 20, 'x');
  Message recent = message();
  ASSERT_TRUE(accept(recent));
  while (recent.blob.segment < 4) {
    ASSERT_TRUE(complete(*load(recent.id)));
    recent = message();
    ASSERT_TRUE(loop.run(write(recent, large)));
  }
  reopen();
  const auto back = load(old.id);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->held);
  EXPECT_THAT(back->held_because, ::testing::HasSubstr("missing"));
}

TEST_F(RecoveryTest, ClockStepsBackBetweenRuns_IdsNeverRepeat) {
  MessageId last{};
  for (int run = 0; run < 5; ++run) {
    for (int i = 0; i < 20'000; ++i) {
      const MessageId id = queue->next_id(0);
      ASSERT_GT(id, last);
      last = id;
    }
    loop.advance(10min);
    Message kept = message();
    ASSERT_GT(kept.id, last);
    ASSERT_TRUE(accept(kept));
    last = queue->next_id(0);
    loop.clock().set(loop.clock().now() - 48h);
    crash_and_open();
  }
}

TEST_F(RecoveryTest, Ids_AreAlwaysBelowTheDurableFloor) {
  const auto floor = [this] {
    const auto row = *loop.run(engine.get(store::kServerPartition, Keyspace::server, kIdFloorKey));
    return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(read_be64(row->value))));
  };
  for (int i = 0; i < 2'000; ++i) {
    loop.advance(1s);
    ASSERT_LT(queue->next_id(0).time(), floor());
    if (i % 15 == 0) ASSERT_TRUE(loop.run(queue->renew_id_floor()));
    if (i > 15) ASSERT_GE(queue->next_id(0).time(), now() - 1s);  // with renewal they tell the true time
  }
  loop.advance(24h);
  EXPECT_LT(queue->next_id(0).time(), floor());
}

TEST_F(RecoveryTest, BlobOwners_KnowMessagesAndReferences) {
  const auto live = [this](store::BlobId id, MessageId owner) { return *loop.run(owners.is_live(id, owner.value)); };
  Message message = *load(accepted().id);
  EXPECT_TRUE(live(message.blob, message.id));
  ASSERT_TRUE(update(message));
  EXPECT_TRUE(live(message.blob, message.id));
  ASSERT_TRUE(complete(message, {{message.blob.key() + "m12345678"}}));
  EXPECT_TRUE(live(message.blob, message.id));
  store::Batch batch;
  batch.erase(Keyspace::blob_refs, message.blob.key() + "m12345678");
  ASSERT_TRUE(loop.run(engine.write(message.blob.partition, std::move(batch))).ok());
  EXPECT_FALSE(live(message.blob, message.id));
  EXPECT_FALSE(live({5, 1, 1}, {}));
}

class CrashNoteTest : public RecoveryTest {
 protected:
  CrashNoteTest() : directory_(std::filesystem::temp_directory_path() / ("godwit-crash-note-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(directory_);
  }
  ~CrashNoteTest() override {
    queue.reset();
    std::filesystem::remove_all(directory_);
  }

  std::filesystem::path file() const { return directory_ / "crash_note"; }

  // A process that works on `id` and dies by `signal`; returns the signal it died of.
  int die(MessageId id, int signal) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (const int each : {SIGSEGV, SIGABRT, SIGBUS}) ::signal(each, SIG_DFL);
      auto note = CrashNote::open(file());
      const WorkingOn outer({1});
      const WorkingOn working(id);
      {
        const WorkingOn inner({2});
      }
      ::raise(signal);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

 private:
  std::filesystem::path directory_;
};

TEST_F(CrashNoteTest, TwoCrashesOnTheSameMessage_HoldIt) {
  const Message guilty = accepted();
  const Message innocent = accepted();
  EXPECT_EQ(die(guilty.id, SIGSEGV), SIGSEGV);
  queue.reset();
  open(1, file());
  EXPECT_EQ(load(guilty.id)->crashes, 1u);
  EXPECT_FALSE(load(guilty.id)->held);
  EXPECT_EQ(due(now()).entries.size(), 1u);
  queue.reset();
  EXPECT_EQ(die(guilty.id, SIGABRT), SIGABRT);
  open(1, file());
  EXPECT_EQ(load(guilty.id)->crashes, 2u);
  EXPECT_TRUE(load(guilty.id)->held);
  EXPECT_FALSE(load(innocent.id)->held);
  EXPECT_EQ(load(innocent.id)->crashes, 0u);
  queue.reset();
  open(1, file());  // the note is gone: nothing is counted twice
  EXPECT_EQ(load(guilty.id)->crashes, 2u);
}

TEST_F(CrashNoteTest, KillMinus9_LeavesNoNote) {
  const Message message = accepted();
  EXPECT_EQ(die(message.id, SIGKILL), SIGKILL);
  queue.reset();
  open(1, file());
  EXPECT_EQ(load(message.id)->crashes, 0u);
}

TEST_F(CrashNoteTest, MessageGoneMeanwhile_IsNoError) {
  EXPECT_EQ(die({12345}, SIGBUS), SIGBUS);
  queue.reset();
  open(1, file());
  EXPECT_EQ(std::filesystem::file_size(file()), 0u);
}

TEST_F(CrashNoteTest, UnwritableFile_IsANamedError) {
  Queue other(engine, blobs, loop.clock());
  const auto opened = loop.run(other.open(1, "/nonexistent/crash_note"));
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().text, ::testing::HasSubstr("/nonexistent/crash_note"));
}

}  // namespace
}  // namespace godwit::queue
