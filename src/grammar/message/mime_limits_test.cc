#include <chrono>

#include <gtest/gtest.h>

#include "grammar/message/mime.h"

namespace godwit::message {
namespace {

constexpr std::string_view kMixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";

TEST(MimeLimits, TenThousandParts) {
  std::string message(kMixed);
  for (int i = 0; i < 10'000; ++i) message += "--b\r\nContent-Type: text/x" + std::to_string(i) + "\r\n\r\n" + std::to_string(i) + "\r\n";
  message += "--b--\r\n";
  const auto structure = parse_mime(message);
  ASSERT_EQ(structure.parts.size(), 10'001U);
  EXPECT_FALSE(structure.limited);
  EXPECT_EQ(structure.parts[0].children.size(), 10'000U);
  const std::vector<std::uint32_t> last{10'000};
  const auto range = find_section(structure, last, Section::body).value();
  EXPECT_EQ(message.substr(range.begin, range.end - range.begin), "9999");
}

TEST(MimeLimits, MoreParts_TheLastHoldsTheRest) {
  std::string message(kMixed);
  for (int i = 0; i < 30'000; ++i) message += "--b\r\n\r\nx\r\n";
  const auto structure = parse_mime(message);
  ASSERT_EQ(structure.parts.size(), kMaxMimeParts);
  EXPECT_TRUE(structure.limited);
  EXPECT_TRUE(structure.parts.back().limit);
  EXPECT_EQ(structure.parts.back().body_end, message.size());
  EXPECT_GT(structure.parts.back().body_lines, 10'000U);
}

TEST(MimeLimits, MessagesUpToTheLimit) {
  std::string message(kMixed);
  for (int i = 0; i < 20'000; ++i) message += "--b\nContent-Type: message/rfc822\n\nSubject: s\n\nx\n";
  const auto structure = parse_mime(message);
  EXPECT_EQ(structure.parts.size(), kMaxMimeParts);
  for (const auto& part : structure.parts) EXPECT_EQ(part.kind == Part::Kind::message, part.children.size() == 1 && part.depth > 0);
}

TEST(MimeLimits, Depth1000) {
  std::string message;
  for (int i = 0; i < 1'000; ++i) {
    const auto name = "b" + std::to_string(i) + "x";
    message += "Content-Type: multipart/mixed; boundary=" + name + "\r\n\r\n--" + name + "\r\n";
  }
  message += "\r\ntext\r\n";
  for (int i = 1'000; i-- > 0;) message += "--b" + std::to_string(i) + "x--\r\n";
  const auto structure = parse_mime(message);
  EXPECT_EQ(structure.parts.size(), kMaxMimeDepth + 1);
  EXPECT_TRUE(structure.limited);
  EXPECT_TRUE(structure.parts.back().limit);
  EXPECT_TRUE(structure.parts.back().opaque());
  EXPECT_TRUE(structure.parts[0].closed);
  std::string messages;
  for (int i = 0; i < 1'000; ++i) messages += "Content-Type: message/rfc822\n\n";
  EXPECT_LE(parse_mime(messages).parts.size(), kMaxMimeDepth + 1);
}

TEST(MimeLimits, Headers) {
  const std::string longer(200'000, 'x');
  const auto line = parse_mime("Content-Description: " + longer + "\r\nContent-ID: <a>\r\n\r\nbody");
  EXPECT_TRUE(line.parts[0].header_cut);
  EXPECT_LE(line.parts[0].description.size(), 32U * 1024);
  EXPECT_EQ(line.parts[0].id, "<a>");
  EXPECT_EQ(line.parts[0].body_size(), 4U);
  std::string fields;
  for (int i = 0; i < 10'001; ++i) fields += "X: y\r\n";
  const auto many = parse_mime(fields + "Content-ID: <a>\r\n\r\nbody");
  EXPECT_TRUE(many.parts[0].header_cut);
  EXPECT_EQ(many.parts[0].id, "");
  EXPECT_EQ(many.parts[0].body_size(), 4U);
}

// What is kept of hostile headers is bounded for all parts together.
TEST(MimeLimits, TextOfAllParts) {
  std::string addresses;
  for (int i = 0; i < 4'000; ++i) addresses += "a,";
  std::string message(kMixed);
  for (int i = 0; i < 100; ++i)
    message += "--b\nContent-Type: message/rfc822; x=" + std::string(1'000, 'x') + "\n\nTo: " + addresses + "\nContent-ID: i\n\n";
  const auto structure = parse_mime(message);
  EXPECT_EQ(structure.parts.size(), 201U);
  std::size_t kept = 0;
  for (const auto& envelope : structure.envelopes) kept += envelope.to.size();
  EXPECT_LE(kept * sizeof(EnvelopeAddress), kMaxMimeText);
  EXPECT_GT(kept, 4'000U);
  EXPECT_TRUE(structure.parts.back().header_cut);
  EXPECT_FALSE(structure.parts.back().envelope);
}

// 100 MB in pieces of 64 KiB: nothing of it stays.
TEST(MimeLimits, HundredMegabytes) {
  MimeParser parser;
  parser.feed(std::string(kMixed) + "--b\r\nContent-Type: a/b\r\n\r\n");
  std::string piece;
  while (piece.size() < 64 * 1024) piece += "a line of a large body, 72 bytes or so as base64 would have it, --b\r\n";
  std::uint64_t size = 0;
  for (; size < 100'000'000; size += piece.size()) parser.feed(piece);
  parser.feed("\r\n--b--\r\n");
  const auto structure = parser.finish();
  ASSERT_EQ(structure.parts.size(), 2U);
  EXPECT_EQ(structure.parts[1].body_size(), size);
}

// Hostile shapes of some megabytes; a quadratic parser would take minutes.
TEST(MimeLimits, LinearTime) {
  std::string stack;
  for (int i = 0; i < 100; ++i) {
    const auto name = std::string(900, 'a') + std::to_string(i);
    stack += "Content-Type: multipart/mixed; boundary=" + name + "\n\n--" + name + "\n";
  }
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string_view piece : {"--\n", "--aaaa", "\n", "-", "--b\n", "--b\n\n", " \n", "A:\n", "To: a,\n", "(", "\r"}) {
    std::string message = stack + "\n";
    while (message.size() < 500'000) message += piece;
    EXPECT_EQ(parse_mime(message).size, message.size());
    message = kMixed;
    while (message.size() < 500'000) message += piece;
    EXPECT_EQ(parse_mime(message).size, message.size());
    std::string header;
    while (header.size() < 500'000) header += piece;
    EXPECT_EQ(parse_mime(header).size, header.size());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

}  // namespace
}  // namespace godwit::message
