#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "state/events/record.h"
#include "state/events/segment.h"
#include "state/events/stream.h"

namespace godwit::events {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Draft draft_of(std::uint64_t n, Type type = Type::delivered) {
  Draft draft;
  draft.type = type;
  draft.message = MessageId{n};
  draft[Text::sender] = "anna@example.org";
  draft[Text::recipient] = "bob@example.net";
  draft[Text::reply] = "250 2.0.0 Ok";
  draft.size = 4'096;
  return draft;
}

class EventsTest : public ::testing::Test {
 protected:
  EventsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "godwit-events-XXXXXX").string();
    settings_.directory = std::filesystem::path(mkdtemp(pattern.data())) / "events";
    settings_.segment_bytes = 64 << 10;
  }
  ~EventsTest() override {
    stream_.reset();
    std::filesystem::remove_all(settings_.directory.parent_path());
  }

  Stream& open() {
    stream_.reset();
    auto opened = Stream::open(settings_, *disk_, *clock_);
    EXPECT_TRUE(opened) << opened.error().text;
    stream_ = *std::move(opened);
    return *stream_;
  }
  std::vector<std::uint64_t> all(Position from = {}, TypeSet types = kAllTypes) {
    std::vector<std::uint64_t> out;
    damaged_ = 0;
    while (true) {
      const auto batch = stream_->read(from, 100, 1 << 20, types);
      EXPECT_TRUE(batch);
      for (const Event& event : batch->events) out.push_back(event.message.value);
      damaged_ += batch->damaged;
      if (batch->next == from || batch->next >= stream_->end()) return out;
      from = batch->next;
    }
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(settings_.directory)) out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
  }
  // Waits for the thread to have made a segment ahead.
  void wait_for_files(std::size_t count) const {
    for (int i = 0; i < 600 && files().size() < count; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  Settings settings_;
  std::unique_ptr<store::Disk> disk_ = store::make_posix_disk();
  std::unique_ptr<Clock> clock_ = make_system_clock();
  std::unique_ptr<Stream> stream_;
  std::size_t damaged_ = 0;
};

TEST_F(EventsTest, WhatIsAdded_ComesBackInOrder) {
  open();
  Draft draft = draft_of(7, Type::deferred);
  draft[Text::status] = "4.2.2";
  draft.attempt = 3;
  draft.next_attempt = WallTime(std::chrono::hours(500'000));
  const std::vector<std::string> recipients{"x@example.net", "y@example.net"};
  draft.recipients = recipients;
  draft.recipient_count = 1'000;
  stream_->add(draft);
  stream_->add(draft_of(8));
  const auto batch = stream_->read({}, 100, 1 << 20);
  ASSERT_TRUE(batch);
  ASSERT_THAT(batch->events, SizeIs(2));
  const Event& event = batch->events[0];
  EXPECT_EQ(event.type, Type::deferred);
  EXPECT_EQ(event.message.value, 7u);
  EXPECT_EQ(event[Text::sender], "anna@example.org");
  EXPECT_EQ(event[Text::status], "4.2.2");
  EXPECT_EQ(event[Text::account], "");
  EXPECT_EQ(event.attempt, 3u);
  EXPECT_EQ(event.next_attempt, draft.next_attempt);
  EXPECT_EQ(event.recipients, recipients);
  EXPECT_EQ(event.recipient_count, 1'000u);
  EXPECT_EQ(event.size, 4'096u);
  EXPECT_LT(event.id, batch->events[1].id);
  EXPECT_FALSE(batch->gap);
  EXPECT_EQ(batch->next, stream_->end());
  EXPECT_THAT(stream_->read(batch->next, 100, 1 << 20)->events, IsEmpty());
}

TEST_F(EventsTest, Types_AreFiltered) {
  open();
  for (std::uint64_t i = 1; i <= 10; ++i) stream_->add(draft_of(i, i % 5 == 0 ? Type::bounced : Type::delivered));
  EXPECT_THAT(all({}, bit(Type::bounced)), ElementsAre(5, 10));
  EXPECT_THAT(all({}, bit(Type::alert)), IsEmpty());
}

TEST_F(EventsTest, SeveralSegments_AndSeveralStarts) {
  open();
  std::vector<std::uint64_t> wanted;
  for (std::uint64_t i = 1; i <= 2'000; ++i) {
    stream_->add(draft_of(i));
    wanted.push_back(i);
    if (i % 700 == 0) open();
  }
  stream_->stop();
  EXPECT_EQ(all(), wanted);
  EXPECT_GT(files().size(), 2u);
  EXPECT_EQ(damaged_, 0u);
  open();
  EXPECT_EQ(all(), wanted);
}

TEST_F(EventsTest, Ids_GrowOverStarts) {
  MessageId last;
  for (int start = 0; start < 3; ++start) {
    open();
    for (std::uint64_t i = 0; i < 50; ++i) stream_->add(draft_of(i));
  }
  const auto batch = stream_->read({}, 1'000, 1 << 20);
  ASSERT_THAT(batch->events, SizeIs(150));
  for (const Event& event : batch->events) {
    EXPECT_LT(last, event.id);
    last = event.id;
  }
}

TEST_F(EventsTest, ManyThreads_LoseNothing) {
  settings_.segment_bytes = 1 << 20;
  open();
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 4; ++t)
      threads.emplace_back([this, t] {
        for (std::uint64_t i = 0; i < 2'000; ++i) stream_->add(draft_of(t << 32 | i));
      });
  }
  stream_->stop();
  const auto found = all();
  EXPECT_EQ(std::set(found.begin(), found.end()).size(), 8'000u);
  EXPECT_EQ(found.size(), 8'000u);
}

TEST_F(EventsTest, TheProcessDies_WhatWasAddedStays) {
  open();
  stream_->add(draft_of(1));
  stream_.reset();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto opened = Stream::open(settings_, *disk_, *clock_);
    for (std::uint64_t i = 2; i <= 100; ++i) (*opened)->add(draft_of(i));
    ::kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  open();
  stream_->add(draft_of(101));
  const auto found = all();
  ASSERT_THAT(found, SizeIs(101));
  for (std::uint64_t i = 0; i < 101; ++i) EXPECT_EQ(found[i], i + 1);
}

// A power cut leaves any subset of the pages that no sync has covered.
TEST_F(EventsTest, DamagedPage_CostsItsEvents) {
  open();
  for (std::uint64_t i = 1; i <= 300; ++i) stream_->add(draft_of(i));
  stream_.reset();
  {
    std::fstream file(files().front(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8'192);
    file.write(std::string(4'096, '\0').data(), 4'096);
    file.seekp(20'000);
    file.put('\x55');
  }
  open();
  stream_->add(draft_of(301));
  const auto found = all();
  EXPECT_EQ(found.front(), 1u);
  EXPECT_EQ(found.back(), 301u);
  EXPECT_LT(found.size(), 301u);
  EXPECT_GT(found.size(), 250u);
  EXPECT_GE(damaged_, 1u);
  EXPECT_TRUE(std::ranges::is_sorted(found));
}

TEST_F(EventsTest, TornTail_IsWrittenOver) {
  open();
  for (std::uint64_t i = 1; i <= 10; ++i) stream_->add(draft_of(i));
  const Position end = stream_->end();
  stream_.reset();
  {
    std::fstream file(files().front(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(end.offset);
    file.write("GWev\0\0\0\x40garbage", 15);
  }
  open();
  EXPECT_EQ(stream_->end(), end);
  stream_->add(draft_of(11));
  EXPECT_THAT(all(), SizeIs(11));
}

TEST_F(EventsTest, TooMuch_TheOldestGoes_AndALateReaderIsTold) {
  settings_.max_bytes = 200 << 10;
  open();
  const Position begin = stream_->end();
  for (std::uint64_t i = 1; i <= 5'000; ++i) {
    stream_->add(draft_of(i));
    if (i % 300 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  open();  // a start looks at the age and size too
  for (int i = 0; i < 600 && stream_->bytes() > settings_.max_bytes; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LE(stream_->bytes(), settings_.max_bytes);
  const auto batch = stream_->read(begin, 10, 1 << 20);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->gap);
  EXPECT_GT(batch->events.front().message.value, 1u);
  EXPECT_FALSE(stream_->read(batch->next, 10, 1 << 20)->gap);
}

TEST_F(EventsTest, PositionBehindTheEnd_IsTheEnd) {
  open();
  stream_->add(draft_of(1));
  const auto batch = stream_->read({99, 0}, 10, 1 << 20);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->next, stream_->end());
}

TEST_F(EventsTest, NoRoomOnTheDisk_WaitsInMemory) {
  settings_.segment_bytes = 16 << 10;
  open();
  wait_for_files(2);
  const auto in_the_way = settings_.directory / segment_name(3);
  std::filesystem::create_directory(in_the_way);
  for (std::uint64_t i = 1; i <= 1'000; ++i) stream_->add(draft_of(i));
  EXPECT_LT(all().size(), 1'000u);
  std::filesystem::remove(in_the_way);
  stream_->add(draft_of(1'001));
  for (int i = 0; i < 600 && all().size() < 1'001; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(all(), SizeIs(1'001));
}

TEST(EventRecord, TextsAreCut_BetweenCharacters) {
  std::string text(kLongestText - 1, 'a');
  text += "\xc3\xa4";
  Draft draft = draft_of(1);
  draft[Text::reply] = text;
  std::string record;
  append_record(record, draft);
  seal(record.data(), record.size(), 1, 16, MessageId{5}, WallTime(std::chrono::milliseconds(9)));
  EXPECT_EQ(record.size() % kRecordAlign, 0u);
  const auto framed = framed_record(record, 1, 16);
  ASSERT_TRUE(framed);
  EXPECT_EQ((*parse_payload(framed->payload))[Text::reply], std::string(kLongestText - 1, 'a'));
  EXPECT_FALSE(framed_record(record, 1, 24));
  EXPECT_FALSE(framed_record(record, 2, 16));
  for (std::size_t i = 0; i < record.size(); ++i)
    EXPECT_FALSE(framed_record(std::string_view(record).substr(0, i), 1, 16) && i < kRecordHeader);
}

TEST(EventRecord, ManyRecipients_AreNamedInPart) {
  const std::vector<std::string> recipients(60'000, std::string(300, 'r'));
  Draft draft = draft_of(1, Type::accepted);
  draft.recipients = recipients;
  draft.recipient_count = recipients.size();
  std::string record;
  append_record(record, draft);
  seal(record.data(), record.size(), 1, 16, MessageId{5}, WallTime());
  const auto event = parse_payload(framed_record(record, 1, 16)->payload);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->recipients.size(), kMostRecipients);
  EXPECT_EQ(event->recipient_count, 60'000u);
}

TEST(EventRecord, LaterVersionAndUnknownFields) {
  std::string record;
  append_record(record, draft_of(1));
  std::string payload = record.substr(kRecordHeader, record.size() - kRecordHeader);
  payload.resize(static_cast<std::uint8_t>(record[7]));
  EXPECT_TRUE(parse_payload(payload));
  EXPECT_TRUE(parse_payload(payload + std::string("\xc8\x00\x02hi", 5)));  // a field of a later release
  EXPECT_FALSE(parse_payload(payload + std::string("\xc8\x00\x09hi", 5)));
  payload[0] = 2;
  EXPECT_EQ(parse_payload(payload).error().cause, Error::Cause::unsupported);
}

TEST(EventPosition, Text) {
  const Position at{1, 0x4f20};
  EXPECT_EQ(at.text(), "00000001:00004f20");
  EXPECT_EQ(*parse_position(at.text()), at);
  for (const auto* bad : {"", "1:2", "00000001:0000zz20", "0000000100004f20x"}) EXPECT_FALSE(parse_position(bad));
}

}  // namespace
}  // namespace godwit::events
