#include "frontend/imapd/section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/imapd/decoding_place.h"
#include "grammar/imap/command.h"
#include "testing/memory_blobs.h"
#include "testing/test_loop.h"

namespace godwit::imapd {
namespace {

using namespace std::string_literals;
using Form = Located::Form;

// --- HeaderEnd, HeaderFilter

std::uint64_t header_end(std::string_view bytes, std::size_t piece) {
  HeaderEnd scan;
  for (std::size_t i = 0; i < bytes.size(); i += piece)
    if (scan.feed(bytes.substr(i, piece))) break;
  return scan.position();
}

std::string filtered(std::string_view bytes, const std::vector<std::string>& names, bool matching, std::size_t piece = 1'000) {
  HeaderFilter filter(names, matching);
  std::string out;
  for (std::size_t i = 0; i < bytes.size() && !filter.done(); i += piece) filter.feed(bytes.substr(i, piece), out);
  filter.finish(out);
  return out;
}

TEST(HeaderEndTest, IsWhereTheMimeParserSaysSo) {
  for (const std::string_view message :
       {"", "\r\n", "\n", "\r", "a", "a\r\n", "A: b\r\n\r\nbody", "A: b\n\nbody", "A: b\r\n\nbody", "A: b\r\r\n\r\nx", "\r\nx", "\nx\n\n",
        "A: b\r\n\r", "A: b\r\n \r\n\r\nx", "A: b\r\nno field\r\n\r\nx\r\n\r\n", "A: b\r\n\r\r\n\r\nx"}) {
    SCOPED_TRACE(message);
    const auto expected = message::parse_mime(message).parts[0].body_begin;
    EXPECT_EQ(header_end(message, 1'000), expected);
    EXPECT_EQ(header_end(message, 1), expected);
  }
}

TEST(HeaderFilterTest, FoldingAndOrderStay_CaseDoesNotMatter) {
  const std::string_view header =
      "SUBJECT: a\r\n folded\r\n\tagain\r\nFrom: x\r\nreceived: 1\r\nReceived : 2\r\nX-From: no\r\nFro: no\r\nfrom:y\r\n\r\nFrom: body\r\n";
  for (const std::size_t piece : {1u, 2u, 7u, 1'000u}) {
    EXPECT_EQ(filtered(header, {"from", "Subject"}, true, piece), "SUBJECT: a\r\n folded\r\n\tagain\r\nFrom: x\r\nfrom:y\r\n\r\n");
    EXPECT_EQ(filtered(header, {"RECEIVED"}, true, piece), "received: 1\r\nReceived : 2\r\n\r\n");
    EXPECT_EQ(filtered(header, {"FROM", "subject", "ReceiveD"}, false, piece), "X-From: no\r\nFro: no\r\n\r\n");
    EXPECT_EQ(filtered(header, {"nothing"}, true, piece), "\r\n");
  }
}

// RFC 9051 6.4.5.1: the blank line is included, except in the case of a message that has no body and no blank line.
TEST(HeaderFilterTest, NoEmptyLine_NoneIsMade) {
  EXPECT_EQ(filtered("A: b\r\nC: d\r\n", {"a"}, true), "A: b\r\n");
  EXPECT_EQ(filtered("A: b\r\nC: d", {"c"}, true), "C: d");
  EXPECT_EQ(filtered("", {"c"}, true), "");
  EXPECT_EQ(filtered("A: b\n\nx", {"c"}, true), "\n");
}

TEST(HeaderFilterTest, LinesThatAreNoFields_AreWithTheRest) {
  const std::string_view header = " begins folded\r\nFrom me Mon\r\nA: b\r\nrubbish\r\n more\r\n\r\n";
  EXPECT_EQ(filtered(header, {"a"}, true), "A: b\r\n\r\n");
  EXPECT_EQ(filtered(header, {"a"}, false), " begins folded\r\nFrom me Mon\r\nrubbish\r\n more\r\n\r\n");
  EXPECT_EQ(filtered("A: b\r\nend", {"a"}, false), "end");
}

TEST(HeaderFilterTest, LongNames) {
  const std::string name(5'000, 'n');
  for (const std::size_t piece : {1u, 999u, 1'000u, 1'001u, 100'000u}) {
    EXPECT_EQ(filtered(name + ": v\r\nA: b\r\n\r\n", {"a", name}, true, piece), "A: b\r\n\r\n");
    EXPECT_EQ(filtered(name + ": v\r\nA: b\r\n\r\n", {"a"}, false, piece), name + ": v\r\n\r\n");
  }
}

// --- locate()

imap::FetchItem item_of(std::string_view text, const imap::Dialect& dialect = {}) {
  auto command = imap::parse_command("a FETCH 1 " + std::string(text), dialect);
  EXPECT_TRUE(command.has_value()) << text;
  return std::get<imap::Fetch>(command->request).items.at(0);
}

Located locate(std::string_view item, std::string_view message, const imap::Dialect& dialect = {}) {
  return imapd::locate(item_of(item), message::parse_mime(message), dialect);
}

constexpr std::string_view kTwo =
    "Subject: two\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nX: y\r\n\r\nfirst\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ninside\r\n"
    "--b--\r\n";

std::string cut(std::string_view item, std::string_view message = kTwo) {
  const auto located = locate(item, message);
  if (located.form == Form::missing) return "NIL";
  return std::string(message.substr(located.range.begin, located.range.end - located.range.begin));
}

TEST(LocateTest, PartsOfAMultipart) {
  EXPECT_EQ(cut("BODY[]"), kTwo);
  EXPECT_EQ(cut("RFC822"), kTwo);
  EXPECT_EQ(cut("BODY[HEADER]"), kTwo.substr(0, kTwo.find("--b")));
  EXPECT_EQ(cut("RFC822.HEADER"), cut("BODY[HEADER]"));
  EXPECT_EQ(cut("BODY[TEXT]"), kTwo.substr(kTwo.find("--b")));
  EXPECT_EQ(cut("RFC822.TEXT"), cut("BODY[TEXT]"));
  EXPECT_EQ(cut("BODY[1]"), "first");
  EXPECT_EQ(cut("BODY[1.MIME]"), "X: y\r\n\r\n");
  EXPECT_EQ(cut("BODY[1.HEADER]"), "NIL");
  EXPECT_EQ(cut("BODY[1.TEXT]"), "NIL");
  EXPECT_EQ(cut("BODY[1.1]"), "NIL");
  EXPECT_EQ(cut("BODY[2]"), "Subject: in\r\n\r\ninside");
  EXPECT_EQ(cut("BODY[2.HEADER]"), "Subject: in\r\n\r\n");
  EXPECT_EQ(cut("BODY[2.TEXT]"), "inside");
  EXPECT_EQ(cut("BODY[2.1]"), "inside");
  EXPECT_EQ(cut("BODY[2.1.MIME]"), "Subject: in\r\n\r\n");
  EXPECT_EQ(cut("BODY[2.2]"), "NIL");
  EXPECT_EQ(cut("BODY[3]"), "NIL");
  EXPECT_EQ(cut("BODY[2.1.1]"), "NIL");
}

TEST(LocateTest, SimpleMessage_HasOnePart) {
  const std::string_view simple = "Subject: x\r\n\r\nbody";
  EXPECT_EQ(cut("BODY[1]", simple), "body");
  EXPECT_EQ(cut("BODY[1.MIME]", simple), "Subject: x\r\n\r\n");
  EXPECT_EQ(cut("BODY[9]", simple), "NIL");
  EXPECT_EQ(cut("BODY[1.1]", simple), "NIL");
  EXPECT_EQ(cut("BODY[1]", ""), "");
}

TEST(LocateTest, Binary) {
  EXPECT_EQ(locate("BINARY[]", kTwo).form, Form::decoded);
  EXPECT_EQ(locate("BINARY[2]", kTwo).form, Form::decoded);
  EXPECT_EQ(locate("BINARY[2]", kTwo, {.utf8_accept = false, .rev2 = true}).form, Form::composite);
  EXPECT_EQ(locate("BINARY[]", kTwo, {.utf8_accept = false, .rev2 = true}).form, Form::decoded);
  EXPECT_EQ(locate("BINARY[7]", kTwo).form, Form::missing);
  const auto located = locate("BINARY[1]", "Content-Transfer-Encoding: Base64\r\n\r\nAAAA");
  EXPECT_EQ(located.form, Form::decoded);
  EXPECT_EQ(located.encoding, message::TransferEncoding::base64);
  EXPECT_EQ(locate("BINARY.SIZE[1]", "Content-Transfer-Encoding: x-uuencode\r\n\r\nAAAA").form, Form::unknown_encoding);
  EXPECT_EQ(locate("BODY[1]", "Content-Transfer-Encoding: x-uuencode\r\n\r\nAAAA").form, Form::raw);
}

TEST(NeedsOf, AsLittleAsCanBe) {
  EXPECT_EQ(needs_of(item_of("BODY[]")), SectionNeeds::nothing);
  EXPECT_EQ(needs_of(item_of("RFC822")), SectionNeeds::nothing);
  EXPECT_EQ(needs_of(item_of("BINARY[]")), SectionNeeds::nothing);
  EXPECT_EQ(needs_of(item_of("BODY[HEADER]")), SectionNeeds::header_end);
  EXPECT_EQ(needs_of(item_of("RFC822.TEXT")), SectionNeeds::header_end);
  EXPECT_EQ(needs_of(item_of("BODY[HEADER.FIELDS (To)]")), SectionNeeds::header_end);
  EXPECT_EQ(needs_of(item_of("BODY[1]")), SectionNeeds::structure);
  EXPECT_EQ(needs_of(item_of("BINARY.SIZE[1]")), SectionNeeds::structure);
}

// --- SectionStream

class SectionStreamTest : public ::testing::Test {
 protected:
  void set_message(std::string bytes, std::string prefix = "") {
    email_.blob = loop_.run(write(blobs_, bytes));
    email_.blob_size = bytes.size();
    email_.prefix = std::move(prefix);
    whole_ = email_.prefix + bytes;
  }
  static Task<store::BlobId> write(store::Blobs& blobs, std::string bytes) {
    const auto writer = blobs.begin(5, 0);
    GODWIT_CHECK((co_await writer->append(bytes)).has_value());
    co_return (co_await writer->finish()).value();
  }
  struct Streamed {
    std::uint64_t size = 0;
    bool has_nul = false;
    std::string bytes;
    std::size_t largest = 0;  // piece
    std::optional<Error> error;
  };
  static Task<Streamed> stream(store::Blobs& blobs, mailbox::Email email, Located located, imap::FetchItem item, store::BlobId damage,
                               DecodingPlace* place) {
    Streamed out;
    MessageReader reader(blobs, email);
    SectionStream bytes(reader, located, item, place);
    auto ready = co_await bytes.prepare();
    if (!ready) {
      out.error = ready.error();
      co_return out;
    }
    out.size = bytes.size();
    out.has_nul = bytes.has_nul();
    if (damage.valid()) dynamic_cast<testing::MemoryBlobs&>(blobs).damage_blob(damage);
    while (item.kind != imap::FetchItem::Kind::binary_size && bytes.left() > 0) {
      const std::size_t before = out.bytes.size();
      const auto appended = co_await bytes.append_next(out.bytes);
      if (!appended) {
        out.error = appended.error();
        co_return out;
      }
      out.largest = std::max(out.largest, out.bytes.size() - before);
    }
    co_return out;
  }
  Streamed get(std::string_view item_text, bool damage_in_the_middle = false, DecodingPlace* place = nullptr) {
    auto item = item_of(item_text);
    const auto located = imapd::locate(item, message::parse_mime(whole_), {});
    const store::BlobId damage = damage_in_the_middle ? email_.blob : store::BlobId();
    mailbox::Email email = email_;
    return loop_.run(stream(blobs_, std::move(email), located, std::move(item), damage, place));
  }
  std::string bytes(std::string_view item_text) {
    const auto got = get(item_text);
    EXPECT_FALSE(got.error) << item_text;
    EXPECT_EQ(got.size, got.bytes.size()) << item_text;
    return got.bytes;
  }

  testing::TestLoop loop_;
  testing::MemoryBlobs blobs_;
  mailbox::Email email_;
  std::string whole_;
};

TEST_F(SectionStreamTest, Partial_IsCutToSize) {
  set_message("Subject: x\r\n\r\nbody22\r\n");
  EXPECT_EQ(bytes("BODY[TEXT]<0.3>"), "bod");
  EXPECT_EQ(bytes("BODY[TEXT]<3.3>"), "y22");
  EXPECT_EQ(bytes("BODY.PEEK[1]<0.393216>"), "body22\r\n");
  EXPECT_EQ(bytes("BODY[TEXT]<6.2>"), "\r\n");
  EXPECT_EQ(bytes("BODY[TEXT]<8.1>"), "");
  EXPECT_EQ(bytes("BODY[TEXT]<9.1>"), "");
  EXPECT_EQ(bytes("BODY[TEXT]<9223372036854775807.9223372036854775807>"), "");
  EXPECT_EQ(bytes("BODY[]<9.9223372036854775807>"), "x\r\n\r\nbody22\r\n");
  EXPECT_EQ(bytes("BODY[HEADER.FIELDS (Subject)]<3.5>"), "ject:");  // RFC 9051 6.4.5: after subsetting
  EXPECT_EQ(bytes("BODY[HEADER.FIELDS (Subject)]<13.5>"), "\n");
  EXPECT_EQ(bytes("BODY[HEADER.FIELDS (Subject)]<14.5>"), "");
  EXPECT_EQ(bytes("BINARY[1]<2.3>"), "dy2");
  EXPECT_EQ(bytes("BINARY[1]<7.30>"), "\n");
  EXPECT_EQ(bytes("BINARY[1]<8.30>"), "");
}

TEST_F(SectionStreamTest, Prefix_IsPartOfTheMessage) {
  set_message("Subject: x\r\n\r\nbody", "Return-Path: <>\r\n");
  EXPECT_EQ(bytes("BODY[]"), "Return-Path: <>\r\nSubject: x\r\n\r\nbody");
  EXPECT_EQ(bytes("BODY[HEADER]"), "Return-Path: <>\r\nSubject: x\r\n\r\n");
  EXPECT_EQ(bytes("BODY[TEXT]"), "body");
  EXPECT_EQ(bytes("BODY[]<15.5>"), "\r\nSub");
  EXPECT_EQ(bytes("BODY[HEADER.FIELDS (return-path)]"), "Return-Path: <>\r\n\r\n");
  EXPECT_EQ(bytes("BODY[HEADER.FIELDS.NOT (return-path)]"), "Subject: x\r\n\r\n");
}

TEST_F(SectionStreamTest, Nul_Is0x80InALiteral_AndStaysInBinary) {
  set_message("A: b\0c\r\n\r\nx\0y\0"s);
  EXPECT_EQ(bytes("BODY[TEXT]"), "x\x80y\x80");
  EXPECT_EQ(bytes("BODY[HEADER.FIELDS (A)]"),
            "A: b\x80"
            "c\r\n\r\n");
  EXPECT_EQ(bytes("BINARY[1]"), "x\0y\0"s);
  EXPECT_TRUE(get("BINARY[1]").has_nul);
  EXPECT_FALSE(get("BINARY[1]<2.1>").has_nul);
  EXPECT_FALSE(get("BODY[1]").has_nul);
}

TEST_F(SectionStreamTest, Binary_Base64) {
  set_message("Content-Transfer-Encoding: base64\r\n\r\naGVsbG8g\r\nd29ybGQA\r\n");
  EXPECT_EQ(bytes("BINARY[1]"), "hello world\0"s);
  EXPECT_TRUE(get("BINARY[1]").has_nul);
  EXPECT_EQ(get("BINARY.SIZE[1]").size, 12u);
  EXPECT_EQ(bytes("BINARY[1]<6.5>"), "world");
  EXPECT_EQ(bytes("BINARY[]"), whole_);
  EXPECT_EQ(get("BINARY.SIZE[]").size, whole_.size());
  EXPECT_EQ(bytes("BODY[1]"), "aGVsbG8g\r\nd29ybGQA\r\n");
}

TEST_F(SectionStreamTest, Binary_QuotedPrintable) {
  set_message("Content-Transfer-Encoding: quoted-printable\r\n\r\nhello  \r\nb=61r=\r\n\r\n=C3=BC\r\n");
  EXPECT_EQ(bytes("BINARY[1]"), "hello\r\nbar\r\n\xC3\xBC\r\n");
  EXPECT_EQ(get("BINARY.SIZE[1]").size, 16u);
}

// A client that reads a large part in pieces: each goes on where the one before left off, whatever the sizes.
TEST_F(SectionStreamTest, BinaryInPieces_GoesOnWhereItWas) {
  for (const std::string encoding : {"base64", "quoted-printable", "8bit"}) {
    SCOPED_TRACE(encoding);
    std::string encoded;
    while (encoded.size() < 300'000)
      encoded += encoding == "base64" ? "aGVsbG8gd29ybGQA\r\naGVs\r\n" : "h=C3=BCllo  \r\nwo=\r\nrld \t=\r\n";
    set_message("Content-Transfer-Encoding: " + encoding + "\r\n\r\n" + encoded);
    const std::string whole = bytes("BINARY[1]");
    const auto located = imapd::locate(item_of("BINARY[1]"), message::parse_mime(whole_), {});
    DecodingPlace place;
    std::string joined;
    const std::size_t sizes[] = {1, 70'000, 3, 65'536, 40'000, 1'000};
    for (std::size_t i = 0; joined.size() < whole.size(); ++i) {
      const auto piece = get("BINARY[1]<" + std::to_string(joined.size()) + "." + std::to_string(sizes[i % 6]) + ">", false, &place);
      ASSERT_FALSE(piece.error);
      EXPECT_EQ(piece.has_nul, piece.bytes.contains('\0'));
      ASSERT_FALSE(piece.bytes.empty());
      joined += piece.bytes;
      const auto state = place.find(email_, located, joined.size());
      ASSERT_TRUE(state.has_value());
      EXPECT_LE(joined.size() - state->produced, MessageReader::kPiece) << "the next piece would begin far in front of it";
    }
    EXPECT_TRUE(joined == whole);
    EXPECT_EQ(get("BINARY[1]<999999999.1>", false, &place).size, 0u);
    EXPECT_TRUE(get("BINARY[1]<5.70000>", false, &place).bytes == whole.substr(5, 70'000)) << "back again";
  }
}

TEST_F(SectionStreamTest, BinaryPlace_IsOfTheSameBytesAlone) {
  set_message("Content-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29ybGQh\r\nc2Vjb25k\r\n");
  const auto located = imapd::locate(item_of("BINARY[1]"), message::parse_mime(whole_), {});
  const auto forged = [&](const mailbox::Email& email, const Located& where, std::uint64_t produced) {
    DecodingPlace place;  // that the second line comes at `produced`: so it shows whether it is believed
    place.keep(email, where, {located.range.begin + 18, produced, message::ContentDecoder(message::TransferEncoding::base64)});
    return get("BINARY[1]<2.3>", false, &place).bytes;
  };
  EXPECT_EQ(forged(email_, located, 2), "sec");
  EXPECT_EQ(forged(email_, located, 0), "con");
  EXPECT_EQ(forged(email_, located, 3), "llo") << "beyond what is wanted";
  mailbox::Email other = email_;
  other.blob.offset += 1;
  EXPECT_EQ(forged(other, located, 2), "llo");
  other = email_;
  other.prefix = "x";
  EXPECT_EQ(forged(other, located, 2), "llo");
  Located elsewhere = located;
  --elsewhere.range.end;
  EXPECT_EQ(forged(email_, elsewhere, 2), "llo");
}

TEST_F(SectionStreamTest, MessageInBase64_IsDecoded) {
  set_message("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==\r\n");
  EXPECT_EQ(bytes("BINARY[1]"), "Subject: x");
  EXPECT_EQ(locate("BODY[1.HEADER]", whole_).form, Form::missing);
}

TEST_F(SectionStreamTest, Large_ComesInPieces) {
  std::string body;
  for (int i = 0; body.size() < 1'000'000; ++i) body += "line " + std::to_string(i) + "\r\n";
  set_message("Subject: x\r\n\r\n" + body);
  auto got = get("BODY[TEXT]");
  EXPECT_TRUE(got.bytes == body);
  EXPECT_LE(got.largest, MessageReader::kPiece);
  EXPECT_TRUE(bytes("BODY[TEXT]<500000.200000>") == body.substr(500'000, 200'000));
  EXPECT_TRUE(bytes("BINARY[1]<500000.200000>") == body.substr(500'000, 200'000));
  EXPECT_TRUE(bytes("BINARY[1]<500000.1000>") == body.substr(500'000, 1'000));
  EXPECT_LE(get("BINARY[1]").largest, MessageReader::kPiece);
}

TEST_F(SectionStreamTest, LargeBase64_IsCountedFirst) {
  std::string encoded, plain;
  while (encoded.size() < 400'000) {
    encoded += "aGVsbG8gd29ybGQA\r\n";
    plain += "hello world\0"s;
  }
  set_message("Content-Transfer-Encoding: base64\r\n\r\n" + encoded);
  const auto got = get("BINARY[1]");
  EXPECT_TRUE(got.bytes == plain);
  EXPECT_EQ(got.size, plain.size());
  EXPECT_TRUE(got.has_nul);
  EXPECT_LE(got.largest, MessageReader::kPiece);
}

TEST_F(SectionStreamTest, LargeHeader) {
  std::string header;
  for (int i = 0; header.size() < 300'000; ++i) header += (i % 2 == 0 ? "Even: " : "Odd: ") + std::to_string(i) + "\r\n folded\r\n";
  set_message(header + "\r\nbody");
  const std::string even = bytes("BODY[HEADER.FIELDS (EVEN)]");
  const std::string odd = bytes("BODY[HEADER.FIELDS.NOT (EVEN)]");
  EXPECT_EQ(even.size() + odd.size(), header.size() + 4);
  EXPECT_GT(even.size(), SectionStream::kMaxKept);
  EXPECT_TRUE(even.starts_with("Even: 0\r\n folded\r\nEven: 2\r\n"));
  EXPECT_TRUE(bytes("BODY[HEADER]") == header + "\r\n");
  EXPECT_EQ(bytes("BODY[TEXT]"), "body");
}

TEST_F(SectionStreamTest, DamagedBytes_FailBeforeAnythingIsPromised) {
  set_message("Subject: x\r\n\r\nbody");
  blobs_.damage_blob(email_.blob);
  EXPECT_TRUE(get("BODY[TEXT]").error.has_value());
  EXPECT_TRUE(get("BINARY.SIZE[1]").error.has_value());
}

TEST_F(SectionStreamTest, DamagedInTheMiddle_Fails) {
  set_message("Subject: x\r\n\r\n" + std::string(200'000, 'x'));
  const auto got = get("BODY[]", true);
  EXPECT_EQ(got.size, 200'014u);
  EXPECT_TRUE(got.error.has_value());
  EXPECT_TRUE(get("BINARY[1]").error.has_value());
}

TEST_F(SectionStreamTest, RangeBeyondTheMessage_IsAnError) {
  set_message("Subject: x\r\n\r\nbody");
  whole_ += " and more";  // a structure of another message
  const auto got = get("BODY[TEXT]");
  ASSERT_TRUE(got.error.has_value());
  EXPECT_EQ(got.error->cause, Error::Cause::corrupt);
}

}  // namespace
}  // namespace godwit::imapd
