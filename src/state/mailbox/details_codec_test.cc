#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "state/mailbox/details.h"
#include "testing/seeded_random.h"

namespace godwit::mailbox {
namespace {

constexpr std::uint8_t kAll = Details::kEnvelope | Details::kStructure | Details::kPreview | Details::kReferences;

// As details.cc makes it: the root's envelope apart.
Details make(std::string_view message) {
  Details out;
  out.structure = message::parse_mime(message);
  out.envelope = std::move(out.structure.envelopes.at(0));
  out.structure.envelopes.erase(out.structure.envelopes.begin());
  for (auto& part : out.structure.parts) {
    if (part.envelope) part.envelope = *part.envelope - 1;
  }
  out.structure.parts[0].envelope.reset();
  out.preview = "Hello";
  out.references = {"1@a", "2@b"};
  return out;
}

void expect_round_trip(const Details& details) {
  const auto back = decode_details(encode_details(details), kAll);
  ASSERT_TRUE(back.has_value()) << back.error().text;
  EXPECT_EQ(back->envelope, details.envelope);
  EXPECT_EQ(back->structure, details.structure);
  EXPECT_EQ(back->preview, details.preview);
  EXPECT_EQ(back->references, details.references);
}

constexpr std::string_view kMixed =
    "From: Anna <anna@a.test>, \"B\" <@x.test:b@b.test>\r\nTo: Friends: c@c.test;\r\nCc: undisclosed:;\r\nSender: <s@s.test>\r\n"
    "Subject: =?utf-8?q?x?=\r\nDate: Sun, 22 Nov 2026 12:18:39 +0100\r\nMessage-ID: <1@a.test>\r\nIn-Reply-To:\r\n"
    "Content-Type: multipart/mixed; boundary=b; charset*=utf-8''x\r\n\r\n"
    "--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: Quoted-Printable\r\nContent-ID: <i@a>\r\n"
    "Content-Description: d\r\nContent-Location: l\r\nContent-MD5: m\r\nContent-Language: de, en\r\n"
    "Content-Disposition: attachment; filename*0=\"a\"; filename*1=\"b\"\r\n\r\ntext\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inside\r\n\r\nbody\r\n"
    "--b\r\nContent-Type: multipart/digest; boundary=c\r\n\r\n--c\r\n\r\nSubject: one\r\n\r\n1\r\n--c\r\n\r\nFrom: "
    "x@y\r\n\r\n2\r\n--c--\r\n"
    "--b\r\nContent-Type: multipart/x\r\n\r\nno boundary\r\n--b--\r\nepilogue";

TEST(DetailsCodec, EverythingOfAMessage_ComesBack) {
  expect_round_trip(make(kMixed));
  expect_round_trip(make(""));
  expect_round_trip(make("\r\n"));
  expect_round_trip(make("Subject:\r\nFrom:\r\n\r\n"));
}

TEST(DetailsCodec, TheMessagesOfTheMimeParser_ComeBack) {
  std::size_t count = 0;
  for (const auto* folder : {"message_mime", "message_envelope", "message_preview", "message_header"}) {
    const auto path = std::filesystem::path(GODWIT_TESTDATA).parent_path() / "../../grammar/message/testdata/fuzz" / folder;
    for (const auto& file : std::filesystem::directory_iterator(path)) {
      SCOPED_TRACE(file.path().string());
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      expect_round_trip(make(bytes));
      ++count;
    }
  }
  EXPECT_GT(count, 15u);
}

TEST(DetailsCodec, WhatIsNotWanted_IsNotThere) {
  const auto row = encode_details(make(kMixed));
  const auto envelope = decode_details(row, Details::kEnvelope).value();
  EXPECT_EQ(envelope.envelope.subject, "=?utf-8?q?x?=");
  EXPECT_TRUE(envelope.structure.parts.empty());
  EXPECT_TRUE(envelope.preview.empty());
  EXPECT_TRUE(envelope.references.empty());
  const auto structure = decode_details(row, Details::kStructure).value();
  EXPECT_FALSE(structure.envelope.subject.has_value());
  EXPECT_EQ(structure.structure.envelopes.size(), 3u);
  EXPECT_EQ(decode_details(row, Details::kPreview).value().preview, "Hello");
  EXPECT_EQ(decode_details(row, Details::kReferences).value().references.size(), 2u);
}

TEST(DetailsCodec, Heading_IsThatOfTheEnvelope) {
  const auto row =
      encode_details(make("Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@a.test>\r\nFrom: Anna <anna@a.test>\r\n"
                          "References: <0@a.test>\r\nSubject: hello\r\n\r\nbody\r\n"));
  const auto envelope = decode_details(row, Details::kEnvelope).value().envelope;
  for (const std::uint8_t more : {0, +Details::kReferences, Details::kReferences | Details::kPreview}) {
    const auto heading = decode_details(row, Details::kHeading | more).value();
    EXPECT_EQ(heading.envelope.date, envelope.date);
    EXPECT_EQ(heading.envelope.subject, "hello");
    EXPECT_EQ(heading.envelope.message_id, envelope.message_id);
    EXPECT_TRUE(heading.envelope.from.empty());
    EXPECT_EQ(heading.references.size(), more == 0 ? 0u : 2u);
  }
  const auto nothing = decode_details(encode_details(make("\r\nbody\r\n")), Details::kHeading).value();
  EXPECT_FALSE(nothing.envelope.subject.has_value());
}

TEST(DetailsCodec, AnOrdinaryMessage_IsSmall) {
  const auto row = encode_details(make("From: Anna <anna@a.test>\r\nSubject: hello\r\n\r\nbody\r\n"));
  EXPECT_LT(row.size(), 90u);
}

TEST(DetailsCodec, ManyParts_AreMoreThanIsKept) {
  std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 10'000; ++i) message += "--b\r\n\r\nx\r\n";
  const auto details = make(message);
  EXPECT_EQ(details.structure.parts.size(), 10'001u);
  EXPECT_GT(encode_details(details).size(), kMaxKept);
  expect_round_trip(details);
}

TEST(DetailsCodec, Damage_IsRefusedOrHarmless) {
  EXPECT_FALSE(decode_details("", kAll).has_value());
  EXPECT_FALSE(decode_details("\xff\xff\xff", kAll).has_value());
  EXPECT_EQ(decode_details(std::string("\x08\x7f"), kAll).error().cause, Error::Cause::unsupported);
  EXPECT_EQ(decode_details(std::string("\x08\x01"), kAll).error().cause, Error::Cause::corrupt);  // no part at all
  EXPECT_EQ(decode_details(std::string("\x08\x7f"), Details::kHeading).error().cause, Error::Cause::unsupported);
  for (const std::string_view bad :
       {"\xff\xff\xff", "\x08", "\x08\x01\x12\x05xx", "\x08\x01\x13", "\x08\x01\x11xxx", "\x08\x01\x12\x02\x0a\x7f"})
    EXPECT_EQ(decode_details(bad, Details::kHeading).error().cause, Error::Cause::corrupt);

  const std::string row = encode_details(make(kMixed));
  testing::SeededRandom random(1);
  std::size_t refused = 0;
  for (int i = 0; i < 5'000; ++i) {
    std::string damaged = row;
    for (auto n = 1 + random.below(3); n > 0; --n) damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    if (random.below(4) == 0) damaged.resize(random.below(damaged.size()));
    ignore(decode_details(damaged, Details::kHeading), "only that it returns");
    const auto read = decode_details(damaged, kAll);
    refused += read ? 0 : 1;
    if (!read) continue;
    for (std::uint32_t p = 0; p < read->structure.parts.size(); ++p) {
      const auto& part = read->structure.parts[p];
      ASSERT_LE(part.header_begin, part.body_begin);
      ASSERT_LE(part.body_begin, part.body_end);
      ASSERT_LE(part.body_end, read->structure.size);
      ASSERT_TRUE(p == 0 ? part.parent == 0 : part.parent < p);
      ASSERT_TRUE(!part.envelope || *part.envelope < read->structure.envelopes.size());
      for (const auto child : part.children) ASSERT_GT(child, p);
    }
  }
  EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace godwit::mailbox
