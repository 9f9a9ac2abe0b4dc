#include "check/dkim/header_fields.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "testing/seeded_random.h"

namespace godwit::dkim {
namespace {

HeaderFields read(std::string_view message, std::size_t piece = 1'000'000) {
  HeaderFields header;
  for (std::size_t i = 0; i < message.size() && !header.done(); i += piece) header.feed(message.substr(i, piece));
  header.finish();
  return header;
}

std::vector<std::string> all(const HeaderFields& header) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < header.size(); ++i) out.emplace_back(header.bytes(i));
  return out;
}

using Strings = std::vector<std::string>;

TEST(HeaderFields, Fields_WithAllTheirBytes) {
  const auto header = read("From: a\r\nX :\tb\r\n c \r\n\r\nBody: x\r\n");
  EXPECT_EQ(all(header), (Strings{"From: a", "X :\tb\r\n c "}));
  EXPECT_EQ(header.name(1), "X");
  EXPECT_EQ(header.value(1), "\tb\r\n c ");
  EXPECT_EQ(header.named("x").size(), 1u);
  EXPECT_TRUE(header.named("body").empty());
}

TEST(HeaderFields, WhatIsNoField_Skipped) {
  EXPECT_EQ(all(read(" continues nothing\r\nA: 1\r\nno colon\r\n behind it\r\nB b: 2\r\n: 3\r\n\xc3\xa4: 4\r\nC: 5\r\n\r\n")),
            (Strings{"A: 1", "C: 5"}));
  EXPECT_EQ(all(read("From me Fri Nov  4 13:02:25 2022\r\nA: 1\r\n")), (Strings{"A: 1"}));
  EXPECT_EQ(all(read("")), Strings{});
  EXPECT_EQ(all(read("\r\nA: 1\r\n")), Strings{});
}

TEST(HeaderFields, LineEndsOfCrlfAlone) {
  EXPECT_EQ(all(read("A: 1\nB: 2\r\rC: 3\n\n\r\nD: 4\r\n\r\n")), (Strings{"A: 1\nB: 2\r\rC: 3\n\n", "D: 4"}));
}

TEST(HeaderFields, NoEmptyLine_AllIsHeader) {
  EXPECT_EQ(all(read("A: 1\r\nB: 2")), (Strings{"A: 1", "B: 2"}));
  EXPECT_EQ(all(read("A: 1\r\n b\r\n")), (Strings{"A: 1\r\n b"}));
  EXPECT_EQ(all(read("A: 1\r")), (Strings{"A: 1\r"}));
}

TEST(HeaderFields, Feed_SaysWhereTheBodyBegins) {
  const std::string message = "A: 1\r\nB: 2\r\n\r\n\r\nbody";
  for (std::size_t piece = 1; piece <= message.size(); ++piece) {
    HeaderFields header;
    std::size_t taken = 0;
    while (!header.done()) taken += header.feed(std::string_view(message).substr(taken, piece));
    EXPECT_EQ(taken, 14u) << piece;
    EXPECT_EQ(header.size(), 2u);
    EXPECT_EQ(header.feed("more"), 0u);
  }
}

TEST(HeaderFields, HoweverCut_SameFields) {
  testing::SeededRandom random(5);
  constexpr std::string_view kParts[] = {"A: 1", "\r\n", "\r", "\n", " ", "x", ":", "B:", "\r\nC: "};
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (std::uint64_t i = random.below(12); i > 0; --i) text += kParts[random.below(std::size(kParts))];
    ASSERT_EQ(all(read(text)), all(read(text, 1 + random.below(4)))) << text;
  }
}

TEST(HeaderFields, Rfc6376Section542_FromTheBottomUp) {
  const auto header = read("Received: A\r\nReceived: B\r\nreceived: C\r\nFrom: x\r\n\r\n");
  using Fields = std::vector<std::uint32_t>;
  EXPECT_EQ(header.select(Strings{"received", "received"}, std::nullopt), (Fields{2, 1}));
  EXPECT_EQ(header.select(Strings{"received", "from", "received", "received", "received", "from", "to"}, std::nullopt),
            (Fields{2, 3, 1, 0}));
  EXPECT_EQ(header.select(Strings{"received", "received", "received"}, 1), (Fields{2, 0}));
  EXPECT_EQ(header.select(Strings{"received"}, 2), (Fields{1}));
  EXPECT_EQ(header.select(Strings{"from", "from"}, 3), Fields{});
}

TEST(HeaderFields, Hash_FieldsWithLineEndsAndLastWithout) {
  const auto header = read("Subject:  Hi\r\nFrom: x\r\n\r\n");
  const std::vector<std::uint32_t> fields = {1, 0};
  const std::vector<std::string_view> last = {"DKIM-Signature: a=1; b=", "; c=2"};
  EXPECT_EQ(header.hash(Canonicalization::relaxed, fields, last), crypto::sha256("from:x\r\nsubject:Hi\r\ndkim-signature:a=1; b=; c=2"));
  EXPECT_EQ(header.hash(Canonicalization::simple, fields, last), crypto::sha256("From: x\r\nSubject:  Hi\r\nDKIM-Signature: a=1; b=; c=2"));
}

TEST(HeaderFields, BeyondTheLimits_DroppedWhole) {
  for (const std::size_t piece : {1UL, 10UL, 1'000UL}) {
    HeaderFields header(40);
    const std::string message = "DKIM-Signature: x\r\nA: " + std::string(60, 'a') + "\r\n\r\nbody";
    for (std::size_t i = 0; i < message.size(); i += piece) header.feed(std::string_view(message).substr(i, piece));
    header.finish();
    EXPECT_TRUE(header.done());
    EXPECT_TRUE(header.too_large());
    EXPECT_EQ(header.size(), 0u);
    EXPECT_EQ(header.named("dkim-signature").size(), 1u);
  }
  std::string many;
  for (std::size_t i = 0; i <= HeaderFields::kMaxFields; ++i) many += "A:\r\n";
  EXPECT_TRUE(read(many + "\r\n").too_large());
  EXPECT_FALSE(read(many.substr(4) + "\r\n").too_large());
}

TEST(HeaderFields, UpToTheLimit_Kept) {
  const std::string header_text = "A: " + std::string(35, 'a') + "\r\n";  // 40 bytes
  HeaderFields header(40);
  EXPECT_EQ(header.feed(header_text + "\r\nbody"), 42u);
  EXPECT_FALSE(header.too_large());
  EXPECT_EQ(header.size(), 1u);
}

}  // namespace
}  // namespace godwit::dkim
