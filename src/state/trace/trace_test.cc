#include "state/trace/trace.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "state/trace/record.h"
#include "state/trace/segment_set.h"
#include "testing/test_loop.h"

namespace godwit::trace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

MessageId id_of(std::uint64_t n) { return MessageId{n << 23}; }

class TraceTest : public ::testing::Test {
 protected:
  TraceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "godwit-trace-XXXXXX").string();
    settings_.directory = std::filesystem::path(mkdtemp(pattern.data())) / "trace";
  }
  ~TraceTest() override {
    trace_.reset();
    std::filesystem::remove_all(settings_.directory.parent_path());
  }

  Trace& open() {
    trace_.reset();
    auto opened = open_trace(settings_, *disk_, pool_, loop_.clock());
    EXPECT_TRUE(opened) << opened.error().text;
    trace_ = *std::move(opened);
    return *trace_;
  }

  std::vector<std::string> kinds(MessageId id) {
    const auto events = loop_.run(trace_->events(id));
    EXPECT_TRUE(events);
    std::vector<std::string> out;
    for (const Event& event : *events) out.push_back(event.kind);
    return out;
  }
  std::vector<MessageId> find(std::string text, std::size_t limit = 100) {
    const auto ids = loop_.run(trace_->find(std::move(text), limit));
    EXPECT_TRUE(ids);
    return *ids;
  }
  void tell(MessageId id, std::string sender = "anna@example.org") {
    trace_->keys(id, {"<" + id.text() + "@example.org>", std::move(sender), {"bob@example.net", "Carl@Example.net"}});
    trace_->add(id, "accepted", "from 192.0.2.7");
    trace_->add(id, "delivered", "250 2.0.0 Ok");
    trace_->finish(id);
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(settings_.directory)) out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
  }

  testing::TestLoop loop_;
  BlockingPool pool_{0};
  std::unique_ptr<store::Disk> disk_ = store::make_posix_disk();
  Settings settings_;
  std::unique_ptr<Trace> trace_;
};

TEST_F(TraceTest, Events_AreFoundByIdInOrder) {
  open();
  tell(id_of(1));
  tell(id_of(2));
  EXPECT_THAT(kinds(id_of(1)), ElementsAre("accepted", "delivered"));
  EXPECT_THAT(kinds(id_of(3)), IsEmpty());
  trace_->add(id_of(1), "late", "after it was written");
  EXPECT_THAT(kinds(id_of(1)), ElementsAre("accepted", "delivered", "late"));
  const auto events = loop_.run(trace_->events(id_of(1)));
  EXPECT_EQ(events->at(1).detail, "250 2.0.0 Ok");
  EXPECT_EQ(events->at(1).time, loop_.clock().now());
}

TEST_F(TraceTest, Find_ByMessageIdSenderAndRecipient_NewestFirst) {
  open();
  tell(id_of(1));
  tell(id_of(2), "dora@example.org");
  tell(id_of(3));
  EXPECT_THAT(find("<" + id_of(2).text() + "@example.org>"), ElementsAre(id_of(2)));
  EXPECT_THAT(find(id_of(2).text() + "@example.org"), ElementsAre(id_of(2)));  // no such address: a Message-ID then
  EXPECT_THAT(find("ANNA@example.org"), ElementsAre(id_of(3), id_of(1)));
  EXPECT_THAT(find("carl@example.net"), ElementsAre(id_of(3), id_of(2), id_of(1)));
  EXPECT_THAT(find("carl@example.net", 2), ElementsAre(id_of(3), id_of(2)));
  EXPECT_THAT(find("nobody@example.net"), IsEmpty());
}

TEST_F(TraceTest, Restart_KeepsWhatWasWritten) {
  open();
  tell(id_of(1));
  trace_->add(id_of(2), "accepted", "not finished");
  trace_->stop();
  open();
  EXPECT_THAT(kinds(id_of(1)), ElementsAre("accepted", "delivered"));
  EXPECT_THAT(kinds(id_of(2)), ElementsAre("accepted"));
  EXPECT_THAT(find("anna@example.org"), ElementsAre(id_of(1)));
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(TraceTest, FullSegments_AreSealedAndStillFound) {
  settings_.segment_bytes = 2'000;
  open();
  for (std::uint64_t n = 1; n <= 60; ++n) {
    tell(id_of(n));
    if (n % 3 == 0) kinds(id_of(n));  // writes out
  }
  EXPECT_GE(files().size(), 4u);
  for (const bool reopened : {false, true}) {
    if (reopened) open();
    for (std::uint64_t n = 1; n <= 60; ++n) EXPECT_THAT(kinds(id_of(n)), ElementsAre("accepted", "delivered")) << n;
    EXPECT_EQ(find("bob@example.net").size(), 60u);
    EXPECT_THAT(find("bob@example.net", 2), ElementsAre(id_of(60), id_of(59)));
  }
}

TEST_F(TraceTest, Size_RemovesTheOldestSegments) {
  settings_.segment_bytes = 2'000;
  settings_.max_bytes = 8'000;
  open();
  for (std::uint64_t n = 1; n <= 100; ++n) {
    tell(id_of(n));
    kinds(id_of(n));
  }
  std::uint64_t total = 0;
  for (const auto& file : files()) total += std::filesystem::file_size(file);
  EXPECT_LE(total, 8'000u + 4'000u);
  EXPECT_THAT(kinds(id_of(1)), IsEmpty());
  EXPECT_THAT(kinds(id_of(100)), ElementsAre("accepted", "delivered"));
}

TEST_F(TraceTest, Age_RemovesOldSegments) {
  settings_.keep = std::chrono::days(14);
  open();
  for (std::uint64_t day = 1; day <= 40; ++day) {
    tell(id_of(day));
    kinds(id_of(day));
    loop_.advance(std::chrono::days(1));
  }
  EXPECT_THAT(kinds(id_of(20)), IsEmpty());
  EXPECT_THAT(kinds(id_of(30)), ElementsAre("accepted", "delivered"));
  EXPECT_LE(files().size(), 20u);
}

TEST_F(TraceTest, TornTail_IsCutAndWritingGoesOn) {
  open();
  tell(id_of(1));
  kinds(id_of(1));
  const auto whole = std::filesystem::file_size(files()[0]);
  tell(id_of(2));
  trace_->stop();
  for (auto size = std::filesystem::file_size(files()[0]) - 1; size >= whole; size -= 7) {
    trace_.reset();
    std::filesystem::resize_file(files()[0], size);
    open();
    EXPECT_THAT(kinds(id_of(1)), ElementsAre("accepted", "delivered"));
    EXPECT_THAT(kinds(id_of(2)), IsEmpty());
    if (size < whole + 7) break;
    trace_->stop();
    std::filesystem::resize_file(files()[0], size);  // the cut was at the record: make it as long as before
  }
  tell(id_of(3));
  EXPECT_THAT(kinds(id_of(3)), ElementsAre("accepted", "delivered"));
}

TEST_F(TraceTest, FlippedByte_CostsRecordsAndNeverTheStart) {
  settings_.segment_bytes = 1'000;
  open();
  for (std::uint64_t n = 1; n <= 30; ++n) {
    tell(id_of(n));
    kinds(id_of(n));
  }
  trace_->stop();
  trace_.reset();
  for (const auto& path : files()) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200);
    file.put('\x7f');
  }
  open();
  std::size_t found = 0;
  for (std::uint64_t n = 1; n <= 30; ++n) found += kinds(id_of(n)).empty() ? 0 : 1;
  EXPECT_GT(found, 10u);
  EXPECT_LT(found, 30u);
}

TEST_F(TraceTest, StrangerFile_IsPassedOver) {
  open();
  tell(id_of(1));
  trace_->stop();
  trace_.reset();
  std::ofstream(settings_.directory / "trace-00000099.seg") << "no segment at all";
  std::ofstream(settings_.directory / "readme") << "hello";
  open();
  EXPECT_THAT(kinds(id_of(1)), ElementsAre("accepted", "delivered"));
}

TEST_F(TraceTest, MemoryIsBounded_AndNothingIsDroppedWhileTheDiskKeepsUp) {
  settings_.memory = 64 * 1'024;
  open();
  for (std::uint64_t n = 1; n <= 2'000; ++n) {
    trace_->add(id_of(n), "attempt", std::string(100, 'x'));
    if (n % 50 == 0) kinds(id_of(n));
  }
  for (const std::uint64_t n : {1, 999, 2'000}) EXPECT_THAT(kinds(id_of(n)), ElementsAre("attempt"));
}

TEST_F(TraceTest, OneStoryWithoutEnd_IsCut) {
  open();
  for (int i = 0; i < 10'000; ++i) trace_->add(id_of(1), "attempt", std::string(1'000, 'x'));
  const auto events = loop_.run(trace_->events(id_of(1)));
  ASSERT_TRUE(events);
  EXPECT_GT(events->size(), 100u);
  EXPECT_LT(events->size(), 400u);
}

TEST_F(TraceTest, ManyThreads_TellStories) {
  open();
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
      threads.emplace_back([this, t] {
        for (std::uint64_t n = 1; n <= 500; ++n) tell(id_of(t * 1'000 + n));
      });
  }
  EXPECT_EQ(find("bob@example.net", 10'000).size(), 2'000u);
}

TEST(NullTrace, KeepsNothing) {
  testing::TestLoop loop;
  const auto trace = make_null_trace();
  trace->add(id_of(1), "accepted", "x");
  EXPECT_TRUE(loop.run(trace->events(id_of(1)))->empty());
}

TEST(Record, RoundTrip_AndLaterVersionIsRefused) {
  std::string events;
  append_event(events, WallTime(std::chrono::milliseconds(7)), "kind", "detail");
  std::string keys;
  append_keys(keys, {"<1@x>", "a@x", {"b@x"}});
  std::string bytes;
  append_record(bytes, 3, 16, id_of(5), keys, events);
  ASSERT_FALSE(verified_payload(bytes, 3, 17));  // of another place
  ASSERT_FALSE(verified_payload(bytes, 4, 16));
  const auto payload = verified_payload(bytes, 3, 16);
  ASSERT_TRUE(payload);
  const auto record = parse_record(*payload);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->id, id_of(5));
  EXPECT_EQ(record->keys.recipients, std::vector<std::string>{"b@x"});
  EXPECT_EQ(record->events.at(0).detail, "detail");
  std::string later(*payload);
  later[0] = 2;
  EXPECT_EQ(parse_record(later).error().cause, Error::Cause::unsupported);
  for (std::size_t cut = 0; cut < payload->size(); ++cut) ignore(parse_record(payload->substr(0, cut)), "must not read beyond its end");
}

TEST(Record, Hashes_AreStableOnDisk) {
  EXPECT_EQ(hash_of_address("Bob@Example.NET"), hash_of_address("bob@example.net"));
  EXPECT_EQ(hash_of_address("bob@example.net"), 0xfee92b1bfbc4c5f0u);
  EXPECT_EQ(hash_of_id(id_of(1)), 0x67a0379542c5124u);
}

}  // namespace
}  // namespace godwit::trace
