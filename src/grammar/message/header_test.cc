#include "grammar/message/header.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

const std::string kMessage =
    "Received: from a by b; date\r\n"
    "RECEIVED: from c\r\n\tby d; date\r\n"
    "Delivered-To: x@example.org\r\n"
    "Date:  Fri, 21 Nov 1997\r\n 09:55:06 -0600 \r\n"
    "From: John Doe\r\n\t<jdoe@machine.example>\r\n"
    "From: Second <second@example.org>\r\n"
    "Sender : s@example.org\r\n"
    "Message-ID:<1234@local.machine.example>\r\n"
    "Resent-Date: x\r\nResent-From: r@example.org\r\nResent-From: q@example.org\r\n"
    "Subject: gr\xc3\xbc\xc3\x9f\r\n"
    "MIME-Version: 1.0\r\n"
    "X-Empty:\r\n"
    "\r\n"
    "From: in the body\r\nReceived: too\r\n";

void expect_message(const HeaderSummary& s) {
  EXPECT_EQ(s.fields, 14U);
  EXPECT_EQ(s.garbage_lines, 0U);
  EXPECT_EQ(s.received, 2U);
  EXPECT_EQ(s.delivered_to, 1U);
  EXPECT_EQ(s.date, 1U);
  EXPECT_EQ(s.from, 2U);
  EXPECT_EQ(s.sender, 1U);
  EXPECT_EQ(s.message_id, 1U);
  EXPECT_EQ(s.resent, 3U);
  EXPECT_TRUE(s.mime_version);
  EXPECT_TRUE(s.eight_bit);
  EXPECT_FALSE(s.value_cut);
  EXPECT_EQ(s.date_value, "Fri, 21 Nov 1997 09:55:06 -0600");
  EXPECT_EQ(s.from_value, "John Doe\t<jdoe@machine.example>");
  EXPECT_EQ(s.sender_value, "s@example.org");
  EXPECT_EQ(s.message_id_value, "<1234@local.machine.example>");
  EXPECT_EQ(s.resent_from_value, "r@example.org");
  EXPECT_EQ(s.subject_value, "gr\xc3\xbc\xc3\x9f");
  EXPECT_TRUE(s.complete);
  EXPECT_EQ(s.size, kMessage.find("\r\n\r\n") + 2);
}

TEST(HeaderScanner, EverySegmentation_GivesTheSame) {
  for (std::size_t piece = 1; piece <= kMessage.size(); piece = piece < 70 ? piece + 1 : piece * 2) {
    SCOPED_TRACE(piece);
    HeaderScanner scanner;
    for (std::size_t i = 0; i < kMessage.size(); i += piece) scanner.feed(std::string_view(kMessage).substr(i, piece));
    EXPECT_TRUE(scanner.done());
    expect_message(scanner.summary());
  }
}

HeaderSummary scan(std::string_view message) {
  HeaderScanner scanner;
  scanner.feed(message);
  scanner.finish();
  return scanner.summary();
}

TEST(HeaderScanner, GarbageLines_AreSkipped) {
  const auto s =
      scan("From nobody Mon Jan  1 00:00:00 2001\r\n continued\r\nno colon here\r\n: no name\r\nbad\x01name: x\r\nFrom: a@b\r\n\r\n");
  EXPECT_EQ(s.garbage_lines, 5U);
  EXPECT_EQ(s.fields, 1U);
  EXPECT_EQ(s.from_value, "a@b");
  EXPECT_TRUE(s.complete);
}

TEST(HeaderScanner, NoHeader) {
  EXPECT_EQ(scan("\r\nbody\r\n").size, 0U);
  EXPECT_TRUE(scan("\r\nbody\r\n").complete);
  EXPECT_TRUE(scan("\n").complete);
  EXPECT_FALSE(scan("").complete);
  EXPECT_EQ(scan("just text").garbage_lines, 1U);
  EXPECT_EQ(scan("just text\r").size, 10U);
  EXPECT_EQ(scan("a\r\n\r").garbage_lines, 2U);
}

TEST(HeaderScanner, HeaderWithoutBody) {
  const auto s = scan("From: a@b\r\nDate: x");
  EXPECT_EQ(s.date_value, "x");
  EXPECT_EQ(s.from_value, "a@b");
  EXPECT_FALSE(s.complete);
  EXPECT_EQ(s.size, 18U);
}

TEST(HeaderScanner, BareLf_EndsALineToo) {
  const auto s = scan("From: a@b\nTo: c\n\nFrom: body\n");
  EXPECT_EQ(s.from, 1U);
  EXPECT_EQ(s.size, 16U);
}

TEST(HeaderScanner, BareCrAtTheBeginning_IsNoEmptyLine) {
  const auto s = scan("A: b\r\n\rReceived: x\r\nReceived: y\r\n\r\n");
  EXPECT_EQ(s.received, 1U);
  EXPECT_EQ(s.garbage_lines, 1U);
}

TEST(HeaderScanner, HugeHeader_IsCountedInBoundedMemory) {
  HeaderScanner scanner;
  scanner.feed("Subject:");
  const std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) scanner.feed(megabyte);
  scanner.feed("\r\n" + megabyte + ": long name\r\nReceived: x\r\nMessage-ID: <a@b>\r\nFrom: c@d\r\nSender:" + megabyte + "\r\n\r\n");
  EXPECT_TRUE(scanner.done());
  const auto& s = scanner.summary();
  EXPECT_TRUE(s.value_cut);
  EXPECT_EQ(s.subject_value.size(), HeaderScanner::kMaxText);
  EXPECT_EQ(s.sender_value.size(), HeaderScanner::kMaxAddresses);
  EXPECT_EQ(s.received, 1U);
  EXPECT_EQ(s.message_id_value, "<a@b>");
  EXPECT_EQ(s.from_value, "c@d");
  EXPECT_FALSE(s.eight_bit);
}

TEST(HeaderScanner, BodyBytes_DoNotMakeItEightBit) { EXPECT_FALSE(scan("A: b\r\n\r\n\xff").eight_bit); }

}  // namespace
}  // namespace godwit::message
