#include "grammar/message/thread_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::message {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kMail =
    "Subject: x\r\nMessage-ID: <c@example>\r\nReferences: <a@example>\r\n <b@example>\r\nIn-Reply-To: <b@example> (of today)\r\n\r\n"
    "References: <body@example>\r\n";

TEST(ThreadIds, OwnFirst_ThenTheReferencesEachOnce) {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    SCOPED_TRACE(piece);
    ThreadIdReader reader;
    for (std::size_t at = 0; at < kMail.size(); at += piece) reader.feed(kMail.substr(at, piece));
    EXPECT_TRUE(reader.done());
    EXPECT_THAT(reader.finish(), ElementsAre("c@example", "a@example", "b@example"));
  }
}

TEST(ThreadIds, NoMessageId_LeavesItsPlaceEmpty) { EXPECT_THAT(thread_ids("References: <a@b>\n\n"), ElementsAre("", "a@b")); }

TEST(ThreadIds, NothingAtAll) {
  EXPECT_THAT(thread_ids(""), ElementsAre(""));
  EXPECT_THAT(thread_ids("\r\n<a@b>"), ElementsAre(""));
  EXPECT_THAT(thread_ids("Message-ID: none\r\nno field here\r\n <x@y>\r\n"), ElementsAre(""));
}

TEST(ThreadIds, TheFirstOfTwoFieldsCounts) { EXPECT_THAT(thread_ids("Message-ID: <a@b>\r\nMESSAGE-ID: <c@d>\r\n"), ElementsAre("a@b")); }

TEST(ThreadIds, EndlessHeader_IsCutAndDone) {
  ThreadIdReader reader;
  reader.feed("Message-ID: <a@b>\r\n");
  for (int i = 0; i < 100; ++i) reader.feed("X-Filler: " + std::string(1'000, 'x') + "\r\n");
  EXPECT_TRUE(reader.done());
  EXPECT_THAT(reader.finish(), ElementsAre("a@b"));
}

}  // namespace
}  // namespace godwit::message
