#include "grammar/message/mime.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

// One line a part: depth, kind, type, header and body as text.
std::string shown(std::string_view message, const Structure& structure) {
  std::string out;
  for (const auto& part : structure.parts) {
    out += std::string(part.depth * 2, ' ') + part.type.type + "/" + part.type.subtype;
    if (part.kind == Part::Kind::leaf) out += " [" + std::string(message.substr(part.body_begin, part.body_size())) + "]";
    if (part.limit) out += " limit";
    out += "\n";
  }
  return out;
}

std::string shown(std::string_view message) { return shown(message, parse_mime(message)); }

std::string section(std::string_view message, std::vector<std::uint32_t> numbers, Section what = Section::body) {
  const auto range = find_section(parse_mime(message), numbers, what);
  return range ? std::string(message.substr(range->begin, range->end - range->begin)) : "none";
}

constexpr std::string_view kMixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";

TEST(Mime, PlainMessages) {
  EXPECT_EQ(shown(""), "text/plain []\n");
  EXPECT_EQ(shown("\r\n"), "text/plain []\n");
  EXPECT_EQ(shown("Subject: a"), "text/plain []\n");
  EXPECT_EQ(shown("Subject: a\r\n\r\n"), "text/plain []\n");
  EXPECT_EQ(shown("\r\nbody\r\n"), "text/plain [body\r\n]\n");
  EXPECT_EQ(shown("no header at all\r\n\r\nbody"), "text/plain [body]\n");
  EXPECT_EQ(shown("Content-Type: broken\n\nbody\n"), "text/plain [body\n]\n");
  EXPECT_EQ(shown(std::string("A: \0b\n\n\0\xff\0\n", 11)), std::string("text/plain [\0\xff\0\n]\n", 18));
  const auto structure = parse_mime("From: a@b\r\nSubject: c\r\n\r\none\r\ntwo\nthree");
  EXPECT_EQ(structure.size, 39U);
  EXPECT_EQ(structure.lines, 5U);
  EXPECT_EQ(structure.parts[0].header_lines, 3U);
  EXPECT_EQ(structure.parts[0].header_size(), 25U);
  EXPECT_EQ(structure.parts[0].body_lines, 2U);
  EXPECT_TRUE(structure.parts[0].header_ended);
  EXPECT_EQ(structure.envelopes.at(structure.parts[0].envelope.value()).subject, "c");
}

TEST(Mime, Fields) {
  const auto structure = parse_mime(
      "Content-Type: TEXT/html; charset=utf-8\r\ncontent-transfer-encoding: Base64\r\nContent-ID: <a@b>\r\nContent-Description: one\r\n "
      "two\r\n"
      "Content-Disposition: attachment;\r\n filename=x\r\nContent-Language: de, en\r\nContent-Location: http://x/\r\nContent-MD5: Q2h=\r\n"
      "Content-Type: text/second\r\n\r\n");
  const Part& part = structure.parts.at(0);
  EXPECT_EQ(part.type, (ContentType{"text", "html", {{"charset", "utf-8", false}}}));
  EXPECT_TRUE(part.type_given);
  EXPECT_EQ(part.encoding, TransferEncoding::base64);
  EXPECT_EQ(part.encoding_name, "Base64");
  EXPECT_EQ(part.id, "<a@b>");
  EXPECT_EQ(part.description, "one two");
  EXPECT_EQ(part.disposition, (Disposition{"attachment", {{"filename", "x", false}}}));
  EXPECT_EQ(part.languages, (std::vector<std::string>{"de", "en"}));
  EXPECT_EQ(part.location, "http://x/");
  EXPECT_EQ(part.md5, "Q2h=");
}

// RFC 2046 5.1.1: the example; the line end before the boundary is the boundary's
TEST(Mime, Rfc2046Section511) {
  const std::string message =
      "Content-type: multipart/mixed; boundary=\"simple boundary\"\r\n\r\nThis is the preamble.\r\n\r\n--simple boundary\r\n\r\n"
      "This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.\r\n--simple boundary\r\n"
      "Content-type: text/plain; charset=us-ascii\r\n\r\nThis is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n"
      "\r\n--simple boundary--\r\n\r\nThis is the epilogue.\r\n";
  const auto structure = parse_mime(message);
  EXPECT_EQ(shown(message, structure),
            "multipart/mixed\n  text/plain [This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.]\n"
            "  text/plain [This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n]\n");
  EXPECT_TRUE(structure.parts[0].closed);
  EXPECT_EQ(structure.parts[1].body_lines, 1U);
  EXPECT_EQ(structure.parts[2].body_lines, 2U);
  EXPECT_EQ(structure.parts[2].header_lines, 2U);
  EXPECT_EQ(section(message, {1}, Section::mime), "\r\n");
  EXPECT_EQ(section(message, {2}, Section::mime), "Content-type: text/plain; charset=us-ascii\r\n\r\n");
}

TEST(Mime, LineEnds_OfBoundaryAndHeader) {
  const auto mixed = [](std::string_view rest) { return shown(std::string(kMixed) + std::string(rest)); };
  EXPECT_EQ(mixed("--b\r\n\r\na\r\n--b--"), "multipart/mixed\n  text/plain [a]\n");
  EXPECT_EQ(mixed("--b\n\na\n--b--\n"), "multipart/mixed\n  text/plain [a]\n");
  EXPECT_EQ(mixed("--b\r\n\na\n\r\n--b\n\r\nc\r\n\n--b--"), "multipart/mixed\n  text/plain [a\n]\n  text/plain [c\r\n]\n");
  EXPECT_EQ(mixed("--b\r\n\r\na\r--b\r\n--b--"), "multipart/mixed\n  text/plain [a\r--b]\n");  // a bare CR ends no line
  EXPECT_EQ(mixed("--b\r\n\r\n--b--"), "multipart/mixed\n  text/plain []\n");
  EXPECT_EQ(mixed("--b\r\n--b--"), "multipart/mixed\n  text/plain []\n");
  EXPECT_EQ(mixed("--b\r\nA: b\r\n--b--"), "multipart/mixed\n  text/plain []\n");
  EXPECT_EQ(section(std::string(kMixed) + "--b\r\nA: b\r\n--b--", {1}, Section::mime), "A: b\r\n");
  EXPECT_EQ(section(std::string(kMixed) + "--b\r\nA: b\r\n\r\n--b--", {1}, Section::mime), "A: b\r\n\r\n");
  EXPECT_EQ(section(std::string(kMixed) + "--b\r\nA: b\r\n\r\n\r\n--b--", {1}), "");
  EXPECT_EQ(section(std::string(kMixed) + "--b\r\nA: b\r\n\r\n\r\n\r\n--b--", {1}), "\r\n");
}

TEST(Mime, BrokenBoundaries) {
  const auto mixed = [](std::string_view rest) { return shown(std::string(kMixed) + std::string(rest)); };
  EXPECT_EQ(mixed(""), "multipart/mixed\n");
  EXPECT_EQ(mixed("text\r\n"), "multipart/mixed\n");
  EXPECT_EQ(mixed("--b"), "multipart/mixed\n  text/plain []\n");
  EXPECT_EQ(mixed("--b--\r\n--b\r\n\r\nno part\r\n"), "multipart/mixed\n");
  EXPECT_EQ(mixed("--b\r\n\r\nno end\r\n"), "multipart/mixed\n  text/plain [no end\r\n]\n");
  EXPECT_EQ(mixed("--b \t\r\n\r\na\r\n--b-- x\r\n--b\r\n"), "multipart/mixed\n  text/plain [a]\n");
  EXPECT_EQ(mixed("--b\r\n\r\na\r\n --b\r\n- -b\r\n-b\r\n--B\r\nb\r\n--b--"),
            "multipart/mixed\n  text/plain [a\r\n --b\r\n- -b\r\n-b\r\n--B\r\nb]\n");
  EXPECT_EQ(mixed("--b\r\n\r\na\r\n--b\r\n--b\r\n\r\nc"), "multipart/mixed\n  text/plain [a]\n  text/plain []\n  text/plain [c]\n");
  EXPECT_EQ(shown("Content-Type: multipart/mixed\r\n\r\n--b\r\n"), "multipart/mixed [--b\r\n]\n");
  EXPECT_EQ(shown("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n"), "multipart/mixed [--\r\n]\n");
  EXPECT_TRUE(parse_mime("Content-Type: multipart/mixed\r\n\r\n").parts[0].opaque());
  EXPECT_TRUE(parse_mime("Content-Type: multipart/mixed\r\n\r\n").parts[0].no_boundary);
  EXPECT_EQ(shown("Content-Type: multipart/mixed; boundary=b"), "multipart/mixed\n");
}

// outer, then a part of an inner multipart
std::string nested(std::string_view outer, std::string_view inner, std::string_view rest) {
  return "Content-Type: multipart/mixed; boundary=\"" + std::string(outer) + "\"\n\n--" + std::string(outer) +
         "\nContent-Type: multipart/alternative; boundary=\"" + std::string(inner) + "\"\n\n" + std::string(rest);
}

TEST(Mime, BoundariesOfEachOther) {
  constexpr auto kBoth = "multipart/mixed\n  multipart/alternative\n    text/plain [x]\n    text/plain [y]\n  text/plain [z]\n";
  EXPECT_EQ(shown(nested("a", "ab", "--ab\n\nx\n--ab\n\ny\n--ab--\n--a\n\nz\n--a--\n")), kBoth);
  EXPECT_EQ(shown(nested("ab", "a", "--a\n\nx\n--a\n\ny\n--a--\n--ab\n\nz\n--ab--\n")), kBoth);
  EXPECT_EQ(shown(nested("a", "a-", "--a-\n\nx\n--a-\n\ny\n--a---\n--a\n\nz\n--a--\n")), kBoth);
  EXPECT_EQ(shown(nested("a", "a", "--a\n\nx\n--a\n\ny\n--a--\n--a\n\nz\n--a--\n")), kBoth);  // the same: the innermost
  // an outer one ends what is inside
  EXPECT_EQ(shown(nested("a", "b", "--b\n\nx\n--b\n\ny\n--a\n\nz\n--a--\n")), kBoth);
  EXPECT_EQ(shown(nested("a", "b", "--b\n--a--\n")), "multipart/mixed\n  multipart/alternative\n    text/plain []\n");
  EXPECT_EQ(shown(nested("a", "b", "--a--\n")), "multipart/mixed\n  multipart/alternative\n");
}

constexpr std::string_view kEmbedded =
    "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
    "--o\r\n\r\nfirst\r\n"
    "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
    "--i\r\n\r\none\r\n--i\r\nContent-Type: message/global\r\n\r\nSubject: deep\r\n\r\ntwo\r\n--i--\r\n"
    "--o--\r\n";

TEST(Mime, EmbeddedMessages) {
  const auto structure = parse_mime(kEmbedded);
  EXPECT_EQ(shown(kEmbedded, structure),
            "multipart/mixed\n  text/plain [first]\n  message/rfc822\n    multipart/mixed\n      text/plain [one]\n      message/global\n"
            "        text/plain [two]\n");
  ASSERT_EQ(structure.envelopes.size(), 3U);
  EXPECT_EQ(structure.envelopes[structure.parts[3].envelope.value()].subject, "inner");
  EXPECT_EQ(structure.envelopes[structure.parts[6].envelope.value()].subject, "deep");
  EXPECT_EQ(structure.parts[2].body_lines, 12U);
}

// RFC 3501 6.4.5
TEST(Mime, Sections) {
  EXPECT_EQ(section(kEmbedded, {}), kEmbedded);
  EXPECT_EQ(section(kEmbedded, {}, Section::header), "Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n");
  EXPECT_EQ(section(kEmbedded, {}, Section::mime), "none");
  EXPECT_EQ(section(kEmbedded, {1}), "first");
  EXPECT_EQ(section(kEmbedded, {1}, Section::header), "none");
  EXPECT_EQ(section(kEmbedded, {2}, Section::mime), "Content-Type: message/rfc822\r\n\r\n");
  EXPECT_EQ(section(kEmbedded, {2}, Section::header), "Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n");
  EXPECT_EQ(section(kEmbedded, {2}), section(kEmbedded, {2}, Section::header) + section(kEmbedded, {2}, Section::text));
  EXPECT_EQ(section(kEmbedded, {2, 1}), "one");
  EXPECT_EQ(section(kEmbedded, {2, 2}, Section::mime), "Content-Type: message/global\r\n\r\n");
  EXPECT_EQ(section(kEmbedded, {2, 2}, Section::header), "Subject: deep\r\n\r\n");
  EXPECT_EQ(section(kEmbedded, {2, 2}, Section::text), "two");
  EXPECT_EQ(section(kEmbedded, {2, 2, 1}), "two");
  for (const auto& none : std::vector<std::vector<std::uint32_t>>{{0}, {3}, {1, 1}, {2, 3}, {2, 1, 1}, {2, 2, 2}, {2, 2, 1, 1}})
    EXPECT_EQ(section(kEmbedded, none), "none");
  EXPECT_EQ(section("A: b\r\n\r\nc", {1}), "c");
  EXPECT_EQ(section("A: b\r\n\r\nc", {1}, Section::mime), "A: b\r\n\r\n");
  EXPECT_EQ(section("A: b\r\n\r\nc", {2}), "none");
  EXPECT_EQ(section("A: b\r\n\r\nc", {1, 1}), "none");
  constexpr std::string_view kForward = "Content-Type: message/rfc822\n\nA: b\n\nc";
  EXPECT_EQ(section(kForward, {1}), "A: b\n\nc");
  EXPECT_EQ(section(kForward, {1}, Section::text), "c");
  EXPECT_EQ(section(kForward, {1, 1}), "c");
}

TEST(Mime, Digest_DefaultIsMessage) {
  constexpr std::string_view kDigest =
      "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\n1\n--b\nContent-Type: text/plain\n\n2\n--b\nContent-Type: "
      "?\n\n3\n--b--";
  EXPECT_EQ(shown(kDigest), "multipart/digest\n  message/rfc822\n    text/plain [1]\n  text/plain [2]\n  text/plain [3]\n");
  EXPECT_FALSE(parse_mime(kDigest).parts[1].type_given);
}

TEST(Mime, EncodedMessage_IsOpaque) {
  constexpr std::string_view kText = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQTogYg0KDQpj\n";
  EXPECT_EQ(shown(kText), "message/rfc822 [QTogYg0KDQpj\n]\n");
  EXPECT_TRUE(parse_mime(kText).parts[0].opaque());
  // a multipart's encoding is a mistake of the sender's
  EXPECT_EQ(shown("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n\na\n--b--"),
            "multipart/mixed\n  text/plain [a]\n");
}

TEST(Mime, EmbeddedHeaderCutOff) {
  constexpr auto kStart = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n";
  EXPECT_EQ(shown(kStart + std::string("--b--")), "multipart/mixed\n  message/rfc822\n    text/plain []\n");
  EXPECT_EQ(shown(kStart + std::string("\nSubject: x\n--b--")), "multipart/mixed\n  message/rfc822\n    text/plain []\n");
  EXPECT_EQ(shown(kStart), "multipart/mixed\n  message/rfc822\n    text/plain []\n");
  const auto structure = parse_mime(kStart + std::string("\nSubject: x\n--b--"));
  EXPECT_EQ(structure.envelopes.at(1).subject, "x");
  EXPECT_FALSE(structure.parts[2].header_ended);
}

}  // namespace
}  // namespace godwit::message
