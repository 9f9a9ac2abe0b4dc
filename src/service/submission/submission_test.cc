#include "service/submission/submission.h"

#include <gtest/gtest.h>

#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::submission {
namespace {

smtp::Address address(std::string_view text) {
  auto parsed = smtp::parse_address(text);
  GODWIT_CHECK(parsed.has_value());
  return *std::move(parsed);
}

message::HeaderSummary header(std::string_view text) {
  message::HeaderScanner scanner;
  scanner.feed(text);
  scanner.finish();
  return scanner.summary();
}

TEST(Submission_MissingFields, AddsWhatIsNotThereAndNothingElse) {
  struct Case {
    std::string_view header;
    bool date;
    bool message_id;
  };
  const Case cases[] = {
      {"Subject: x\r\n\r\n", true, true},
      {"", true, true},
      {"Date: whatever\r\n\r\n", false, true},
      {"message-id: <a@b>\r\n\r\n", true, false},
      {"DATE: x\r\nMessage-Id : <a@b>\r\n\r\n", false, false},
      {"Subject: x\r\n\r\nDate: in the body\r\n", true, true},
      {"Resent-Date: x\r\nResent-Message-ID: <r@b>\r\n\r\n", true, true},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.header);
    const MessageId id{12'345};
    const WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
    const auto added = missing_fields(header(one.header), id, "mx.example.org", now);
    const std::string date = "Date: Sun, 22 Nov 2026 00:00:00 +0000\r\n";
    const std::string message_id = "<" + id.text() + "@mx.example.org>";
    EXPECT_EQ(added.text, (one.date ? date : "") + (one.message_id ? "Message-ID: " + message_id + "\r\n" : ""));
    EXPECT_EQ(added.message_id, one.message_id ? message_id : "");
  }
}

class SenderTest : public ::testing::Test {
 protected:
  SenderTest() {
    GODWIT_CHECK(loop.run(directory.add_domain(*smtp::parse_domain("example.org"))).has_value());
    bob = *loop.run(directory.add_account(address("bob@example.org"), "secret"));
    ignore(loop.run(directory.add_account(address("carol@example.org"), "secret")), "somebody else");
  }
  std::optional<smtp::Reply> check(smtp::ReversePath path) { return loop.run(check_sender(directory, bob, std::move(path))); }

  testing::TestLoop loop;
  testing::MemoryEngine engine;
  testing::SeededRandom random{1};
  BlockingPool pool{0};
  directory::Directory directory{engine, pool, loop.clock(), random};
  directory::Account bob;
};

TEST_F(SenderTest, OwnAddressTagAndNull_AreAllowed) {
  EXPECT_FALSE(check(smtp::ReversePath()));
  EXPECT_FALSE(check(smtp::ReversePath(address("bob@example.org"))));
  EXPECT_FALSE(check(smtp::ReversePath(address("bob+lists@example.org"))));
}

TEST_F(SenderTest, SomebodyElse_IsRefusedByName) {
  const auto refusal = check(smtp::ReversePath(address("carol@example.org")));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->one_line(), "553 5.7.1 bob@example.org may not send as carol@example.org");
  EXPECT_TRUE(check(smtp::ReversePath(address("bob@elsewhere.test"))));
}

TEST_F(SenderTest, UnreadableDirectory_IsTemporary) {
  engine.crash_keeping_all();
  const auto refusal = check(smtp::ReversePath(address("never-seen@example.org")));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, 451);
}

}  // namespace
}  // namespace godwit::submission
